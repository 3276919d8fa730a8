// Owns drawing a few numbers as lines or bars. Knows not what they mean.

const [width, height] = [320, 80]

/**
 * @param {{ title: string, values: { label: string, value: number | null }[], kind?: 'line' | 'bars' }} props null: a
 *   day without a value is a gap
 */
export function Chart({ title, values, kind = 'bars' }) {
  const most = Math.max(1, ...values.map(({ value }) => value ?? 0))
  const step = width / Math.max(1, values.length)
  const y = (/** @type {number} */ value) => height - (value / most) * (height - 8)
  const points = values.flatMap(({ value }, i) =>
    value === null ? [] : [`${(i + 0.5) * step},${y(value)}`],
  )
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${title}: ${textOf(values)}`}>
        {kind === 'line' ? (
          <polyline points={points.join(' ')} />
        ) : (
          values.map(({ label, value }, i) => (
            <rect
              key={label}
              x={i * step + 1}
              width={Math.max(1, step - 2)}
              y={y(value ?? 0)}
              height={height - y(value ?? 0)}
            >
              <title>{`${label}: ${value ?? 'nothing'}`}</title>
            </rect>
          ))
        )}
      </svg>
    </figure>
  )
}

/** @param {{ label: string, value: number | null }[]} values */
function textOf(values) {
  const known = values.filter(({ value }) => value !== null)
  if (known.length === 0) return 'nothing yet'
  return known.map(({ label, value }) => `${label} ${value}`).join(', ')
}
