// Vectors of every shape that the index is measured with, real texts among them: the lexical embedder's own, of what
// this repository says in its documents.

import { readdir, readFile } from 'node:fs/promises'
import { dimensions, lexicalEmbedder } from '../../js/search/embedders.js'
import { writerOf } from './vectors.js'

/** @type {(import('./vectors.js').Shape | 'words')[]} */
export const shapes = ['uniform', 'clustered', 'near-duplicates', 'words']

/**
 * @param {typeof shapes[number]} shape
 * @param {() => number} next
 * @param {number} count how many there will be at the most
 * @returns {Promise<import('./vectors.js').Writer>}
 */
export async function writerOfShape(shape, next, count) {
  if (shape !== 'words') return writerOf(shape, dimensions, next)
  const all = await sentences()
  const pick = () => all[Math.floor(next() * all.length)]
  // two each, so that there are more texts than sentences
  const texts = Array.from({ length: count }, () => `${pick()} ${pick()}`)
  const vectors = await lexicalEmbedder().embed(texts, 'passage')
  let written = 0
  return (out, at) => out.set(vectors[written++], at)
}

async function sentences() {
  const root = new URL('../../', import.meta.url)
  const documents = (await readdir(new URL('docs/', root))).filter((name) => name.endsWith('.md'))
  const files = [...documents.map((name) => `docs/${name}`), 'README.md']
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, root), 'utf8')))
  return texts
    .join('\n')
    .split(/[.\n|;:]+/)
    .filter((sentence) => sentence.trim().split(/\s+/).length > 3)
}
