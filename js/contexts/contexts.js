// Owns what the contexts of one database do for each other: tell that something was written, read what
// others wrote, leave the network to one of them. Knows neither rows nor requests. Correctness rests on
// the journal alone: with every message lost and every lock gone the same rows arrive.

import { Channel } from './channel.js'
import { coalesced } from './coalesced.js'
import { Formats } from './formats.js'
import { Leader } from './leader.js'
import { News } from './news.js'

/** @typedef {'works' | 'follows' | 'rests'} Role works: talks to the network by itself; follows: another context does */

export class Contexts {
  /**
   * @param {object} parts
   * @param {import('../engine.js').Core} parts.core
   * @param {import('../storage/disk.js').Disk} parts.disk
   * @param {string} parts.name of the database; '' when there is none to share
   * @param {boolean} parts.autoSync
   * @param {number} parts.format the newest of stored data that this context knows
   */
  constructor({ core, disk, name, autoSync, format }) {
    this.core = core
    this.disk = disk
    this.name = name
    this.autoSync = autoSync
    /** Brings in what others wrote; resolves when it is there. */
    this.refresh = coalesced(() => core.refresh())
    this.channel = name === '' ? null : new Channel(`somatic-sync:${name}`, (m) => this.hear(m))
    this.news = new News({
      post: () => this.channel?.post({ type: 'news' }),
      isHidden: () => globalThis.document?.visibilityState === 'hidden',
    })
    this.isAway = true
    /** the others know which formats this one reads */
    this.isAnnounced = false
    this.isRetired = false
    /** @type {Role} as it was told last */
    this.toldRole = 'rests'
    /** @type {Set<(role: Role) => void>} */
    this.roleWatchers = new Set()
    const locks = globalThis.navigator?.locks
    // Without a channel nobody could be called, nor found frozen: then everybody leads.
    this.formats = new Formats({
      ...{ name, format, locks: name === '' ? undefined : locks },
      onLimit: (limit) => core.feed({ type: 'formatLimit', format: limit }),
    })
    const isElected = autoSync && this.channel !== null && locks && Channel.isSupported()
    this.leader = isElected
      ? new Leader({
          name: `somatic-sync:${name}:network`,
          locks,
          post: (message) => this.channel?.post(message),
          isVisible: () => globalThis.document?.visibilityState === 'visible',
          hasWork: () => (core.query({ status: true })?.pending ?? 0) > 0,
          onLead: (isLeading) => this.onLead(isLeading),
          onCalled: (pull) => this.onCalled(pull),
        })
      : null
  }

  /** Before the core is loaded: from here on it is written as everybody can read it. */
  async announce() {
    if (this.isAnnounced) return
    this.isAnnounced = true
    this.formats.enter()
    this.channel?.open()
    this.channel?.post({ type: 'format' })
    await this.formats.look()
  }

  /** Once the core is loaded. */
  start() {
    if (this.leader) this.core.feed({ type: 'leaderIs', here: false })
    this.enter()
  }

  /** Joins the others, again after leave(). */
  enter() {
    if (!this.isAway || this.isRetired) return
    this.isAway = false
    this.disk.wake()
    this.announce()
    this.leader?.start()
    this.tellRole()
    this.wake()
  }

  /**
   * The page is put away: as it may never come back, the others go on without it.
   * @param {boolean} isKept it may come back; a message would make a browser throw it away instead
   */
  leave(isKept) {
    this.isAway = true
    this.disk.rest()
    this.news.flush()
    this.leader?.leave()
    this.tellRole()
    this.formats.leave()
    this.isAnnounced = false
    if (isKept) this.channel?.close()
  }

  /** Never leads any more: it may not send. */
  retire() {
    this.isRetired = true
    this.leader?.leave()
    this.tellRole()
  }

  /** @returns {Role} */
  role() {
    if (!this.autoSync || this.isAway || this.isRetired) return 'rests'
    return this.leader === null || this.leader.isLeading ? 'works' : 'follows'
  }

  /**
   * Tells the role now and whenever it is another.
   * @param {(role: Role) => void} watcher
   * @returns {() => void} stops it
   */
  watchRole(watcher) {
    this.roleWatchers.add(watcher)
    watcher(this.role())
    return () => this.roleWatchers.delete(watcher)
  }

  tellRole() {
    const role = this.role()
    if (role === this.toldRole) return
    this.toldRole = role
    for (const watcher of this.roleWatchers) watcher(role)
  }

  /** The page is looked at again, or the network is back. */
  wake() {
    this.refresh()
    this.poke()
  }

  /** Nobody looks at the page any more. */
  hide() {
    this.leader?.hide()
  }

  /** There may be news on the server: whoever leads pulls. */
  poke() {
    if (this.leader && !this.leader.isLeading) this.leader.call(true)
    else this.core.feed({ type: 'poke' })
  }

  /** A commit of this context is durable. */
  onCommitted() {
    this.news.tell()
    this.leader?.look({ isNew: true })
  }

  onStatus() {
    if (this.core.broken || this.core.isReadOnly) this.retire()
    else this.leader?.look()
  }

  /** @param {import('./channel.js').Message} message */
  hear(message) {
    if (message.type === 'format') this.formats.look()
    // Not loaded yet: what was read for a hint would be loaded once more. Or put away: it catches up.
    else if (this.isAway) return
    else if (message.type === 'news') this.refresh()
    else this.leader?.hear(message)
  }

  /** @param {boolean} isLeading */
  onLead(isLeading) {
    this.core.feed({ type: 'leaderIs', here: isLeading })
    this.tellRole()
    // also who lost the lead: it may have stood still, and not have heard what was said meanwhile. Who is
    // put away looks when it is back: in the middle of a look a browser does not keep the page
    if (!this.isAway) this.onCalled(isLeading)
  }

  /** @param {boolean} pull */
  async onCalled(pull) {
    await this.refresh()
    if (pull) this.core.feed({ type: 'poke' })
  }

  stop() {
    this.retire()
    this.news.flush()
    this.formats.leave()
    this.channel?.close()
  }
}
