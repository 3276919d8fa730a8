// Owns drawing a few numbers: bars, a line, a strip of days. Knows not what they mean.

const [width, height] = [320, 80]
/** What fits below a chart on a phone; of more labels only the first and the last are written there. */
const lettersMost = 40

/** @typedef {{ label: string, value: number | null }} Value null: unknown, a gap */

/** @param {{ title: string, values: Value[], kind?: 'line' | 'bars' }} props */
export function Chart({ title, values, kind = 'bars' }) {
  const known = values.filter(({ value }) => value !== null)
  const most = Math.max(1, ...known.map(({ value }) => Number(value)))
  return (
    <Figure title={title} note={known.length === 0 ? 'nothing yet' : `up to ${most}`}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${textOf(known)}`}
      >
        <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {kind === 'line' ? (
          <Line values={values} most={most} />
        ) : (
          <Bars values={values} most={most} />
        )}
      </svg>
      <Axis labels={values.map(({ label }) => label)} />
    </Figure>
  )
}

/** @param {{ title: string, note: string, children: import('react').ReactNode }} props */
function Figure({ title, note, children }) {
  return (
    <figure className="chart">
      <figcaption>
        <span>{title}</span>
        <span>{note}</span>
      </figcaption>
      {children}
    </figure>
  )
}

/** @param {{ values: Value[], most: number }} props */
function Bars({ values, most }) {
  const step = width / Math.max(1, values.length)
  return values.map(({ label, value }, i) => (
    <rect
      key={label}
      x={i * step + step * 0.1}
      width={step * 0.8}
      y={yOf(value ?? 0, most)}
      height={height - yOf(value ?? 0, most)}
    >
      <title>{`${label}: ${value ?? 'nothing'}`}</title>
    </rect>
  ))
}

/** @param {{ values: Value[], most: number }} props */
function Line({ values, most }) {
  const step = width / Math.max(1, values.length)
  /** @type {{ x: number, y: number }[][]} the line between two gaps each */
  const parts = [[]]
  for (const [i, { value }] of values.entries()) {
    if (value === null) parts.push([])
    else parts[parts.length - 1].push({ x: (i + 0.5) * step, y: yOf(value, most) })
  }
  return parts
    .filter((part) => part.length > 0)
    .map((part) => (
      // one value between two gaps is a dot
      <polyline
        key={part[0].x}
        points={[...part, part[part.length - 1]].map(({ x, y }) => `${x},${y}`).join(' ')}
      />
    ))
}

/** @param {number} value @param {number} most */
const yOf = (value, most) => height - (value / most) * (height - 4)

/** @param {{ labels: string[] }} props */
function Axis({ labels }) {
  const isShort = labels.join('').length <= lettersMost
  const shown = new Set(isShort ? labels : [labels[0], labels[labels.length - 1]])
  return <Labels labels={[...shown]} isEach={isShort} />
}

/** @param {{ labels: string[], isEach?: boolean }} props isEach: one below each bar; else at both ends */
function Labels({ labels, isEach = false }) {
  return (
    <div className={isEach ? 'axis each' : 'axis'} aria-hidden="true">
      {labels.map((label) => (
        <span key={label}>{label}</span>
      ))}
    </div>
  )
}

/** @param {Value[]} known */
function textOf(known) {
  if (known.length === 0) return 'nothing yet'
  return known.map(({ label, value }) => `${label} ${value}`).join(', ')
}

/** A square for each day, full where something was done. @param {{ title: string, days: string[], isDone: (day: string) => boolean }} props */
export function Days({ title, days, isDone }) {
  const done = days.filter(isDone)
  return (
    <Figure title={title} note={`${done.length} of ${days.length}`}>
      <div
        className="days"
        role="img"
        aria-label={`${title}: ${done.length} of ${days.length} days`}
      >
        {days.map((day) => (
          <i key={day} className={isDone(day) ? 'done' : ''} title={day} />
        ))}
      </div>
      <Labels labels={[days[0], days[days.length - 1]]} />
    </Figure>
  )
}
