// The generated declarations (types/) against the promised API (api.d.ts, an unchanged copy): every
// name is there, and each can be used where the other is expected. Checked by tsc alone; run by
// scripts/declarations.sh.

import * as authStorage from '../../types/auth-storage.js'
import * as ours from '../../types/index.js'
import * as dropin from '../../types/supabase-sync-extended.js'
import * as react from '../../types/react.js'
import * as zustand from '../../types/zustand.js'
import * as worker from '../../types/service-worker.js'
import type * as promised from './api.js'

// What later issues bring: the only names that may be missing. Shrinks, never grows.
type Later = {
  exports: 'syncStore' | 'seedMappings'
  client: 'lock' | 'unlock'
}

// What the promised API did not think of.
type Added = {
  exports: 'answerArchetype' | 'oejtsProgress'
  options: 'foldAfter' | 'knownFormat' | 'embed' | 'insights'
  client: 'loadVectors'
  status: 'realtime'
}

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** true, or which direction fails, or which members (optional ones too) are missing */
type Keeps<Ours, Promised> = [Ours] extends [Promised]
  ? [Promised] extends [Ours]
    ? [keyof Promised] extends [keyof Ours]
      ? true
      : { missing: Exclude<keyof Promised, keyof Ours> }
    : { promisedIsNotOurs: [Promised, Ours] }
  : { oursIsNotPromised: [Ours, Promised] }
declare function holds<_T extends true>(): void

// Exports -----------------------------------------------------------------------------------------

type Entries = typeof ours & typeof worker & Pick<typeof dropin, keyof typeof dropin & keyof typeof promised>
holds<
  Equal<Exclude<keyof Entries, Added['exports']>, Exclude<keyof typeof promised, Later['exports']>>
>()
holds<Equal<keyof typeof worker, 'startBackgroundSync'>>()
holds<Keeps<typeof ours.localDate, typeof promised.localDate>>()
holds<Keeps<ours.SyncError, promised.SyncError>>()
holds<Equal<InstanceType<typeof ours.SyncError>['code'], string>>()

// Opening -----------------------------------------------------------------------------------------

type Opening<S extends promised.Schema> = promised.OpenOptions<S>
holds<Keeps<ours.Session, promised.Session>>()
holds<Keeps<ours.AuthLike, promised.AuthLike>>()
holds<Keeps<ours.SupabaseClientLike, promised.SupabaseClientLike>>()
holds<Keeps<ours.OpenOptions<ours.Schema>, Opening<promised.Schema>>>()
holds<Equal<Exclude<keyof ours.OpenOptions, Added['options']>, keyof Opening<promised.Schema>>>()
type Opened = ReturnType<typeof ours.openSync<ours.Schema>>
holds<Equal<Opened, Promise<ours.SyncClient<ours.Schema>>>>()

// Background --------------------------------------------------------------------------------------

// Our client has more members than the promised one, so that one cannot stand in for it here.
type InPage = Parameters<typeof ours.registerBackgroundSync>
holds<Equal<InPage[1], Parameters<typeof promised.registerBackgroundSync>[1]>>()
holds<ours.SyncClient<ours.Schema> extends InPage[0] ? true : false>()
holds<Equal<ReturnType<typeof ours.registerBackgroundSync>, Promise<void>>>()
type Starting = Parameters<typeof worker.startBackgroundSync<ours.Schema>>
holds<Equal<Starting, [options: Omit<ours.OpenOptions<ours.Schema>, 'realtime'>]>>()
holds<Equal<ReturnType<typeof worker.startBackgroundSync>, void>>()

// Reading and writing -----------------------------------------------------------------------------

type Client<S extends promised.Schema> = Omit<promised.SyncClient<S>, Later['client']>
type OurClient = Omit<ours.SyncClient<ours.Schema>, Added['client']>
type SaysMore = 'status' | 'subscribe' | 'exportStream' // than was promised
holds<Keeps<Omit<OurClient, SaysMore>, Omit<Client<promised.Schema>, SaysMore>>>()
holds<OurClient extends Client<promised.Schema> ? true : false>()
holds<Equal<keyof OurClient, keyof Client<promised.Schema>>>()
type EventOf<C extends { on: (...args: never[]) => unknown }> = Parameters<C['on']>[0]
holds<Equal<EventOf<ours.SyncClient>, EventOf<promised.SyncClient>>>()
type Sample = { name: string; count: number | null; data: unknown }
holds<Keeps<ours.Collection<Sample>, promised.Collection<Sample>>>()
holds<Keeps<ours.ListOptions<Sample>, promised.ListOptions<Sample>>>()
holds<Keeps<ours.SyncReport, promised.SyncReport>>()
holds<Keeps<ours.SyncProgress, promised.SyncProgress>>()
holds<Keeps<Omit<ours.SyncStatus, Added['status']>, promised.SyncStatus>>()
holds<Keeps<ours.SyncErrorInfo, promised.SyncErrorInfo>>()
holds<Keeps<ours.RejectedMutation, promised.RejectedMutation>>()
holds<Keeps<ours.OverwrittenText, promised.OverwrittenText>>()
holds<Keeps<ours.Backup, promised.Backup>>()

// Schema ------------------------------------------------------------------------------------------

holds<Keeps<ours.Schema, promised.Schema>>()
holds<Keeps<ours.CollectionSpec, promised.CollectionSpec>>()
holds<Keeps<ours.FieldSpec, promised.FieldSpec>>()
const asPromised: typeof promised.defineSchema = ours.defineSchema
const promisedSchema: promised.SomaticSchema = ours.somaticSchema
void asPromised, promisedSchema

// "./supabase-sync-extended" ----------------------------------------------------------------------

holds<Keeps<typeof dropin.syncChatMessage, typeof promised.syncChatMessage>>()
holds<Keeps<typeof dropin.syncJournalEntry, typeof promised.syncJournalEntry>>()
holds<Keeps<typeof dropin.syncSovereignLog, typeof promised.syncSovereignLog>>()
holds<Keeps<typeof dropin.syncAttunementFeedback, typeof promised.syncAttunementFeedback>>()
holds<Keeps<typeof dropin.bulkSyncAllData, typeof promised.bulkSyncAllData>>()
holds<Keeps<dropin.SyncResult, promised.SyncResult>>()

// "./react" ---------------------------------------------------------------------------------------

type Hooks = 'useSync' | 'useSyncStatus' | 'useCollection' | 'useRow' | 'useSearch'
holds<Equal<keyof typeof react, 'SyncProvider' | Hooks>>()

// "./zustand" -------------------------------------------------------------------------------------

holds<Equal<keyof typeof zustand, 'syncStore' | 'seedMappings'>>()
holds<Equal<keyof typeof zustand.seedMappings, keyof typeof promised.seedMappings>>()
type State = { entries: string[] }
const asStore: zustand.StoreApiLike<State> = {} as promised.StoreApiLike<State>
const asMapping: zustand.StoreMapping<State> = {} as promised.StoreMapping<State>
const stopStore: () => void = zustand.syncStore(asStore, {} as ours.SyncClient, asMapping)
void stopStore

// "./auth-storage" --------------------------------------------------------------------------------

/** what supabase-js takes for auth.storage */
type SupportedStorage = {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): void | Promise<void>
  removeItem(key: string): void | Promise<void>
  isServer?: boolean
}
holds<Equal<keyof typeof authStorage, 'sharedAuthStorage' | 'sharedSession'>>()
const shared: SupportedStorage & { fetch: typeof fetch } = authStorage.sharedAuthStorage()
const ofPages: ours.OpenOptions['auth'] = authStorage.sharedSession({ url: 'https://x.test', key: 'k' })
void shared, ofPages

// Rows are typed from the fields ------------------------------------------------------------------

type Log = ours.Row<ours.SomaticSchema, 'logs'>
holds<Equal<Log['id' | 'category' | 'content'], string>>()
holds<Equal<Log['createdAt'], string | null>>()
holds<Equal<keyof Log, 'id' | 'category' | 'content' | 'metadata' | 'createdAt'>>()
type Health = ours.Row<ours.SomaticSchema, 'health'>
holds<Equal<Health['date'], string>>()
holds<Equal<Health['steps' | 'sleepHours' | 'walkingAsymmetry'], number | null>>()
holds<
  Equal<keyof Health, 'date' | 'steps' | 'sleepHours' | 'walkingAsymmetry' | 'syncedAt'>
>()
type Achievement = ours.Row<ours.SomaticSchema, 'achievements'>
holds<Equal<Achievement['achievementId'], string>>()
holds<Equal<Achievement['unlocked'], boolean | null>>()
holds<Equal<ours.Row<ours.SomaticSchema, 'embeddings'>['embedding'], ArrayLike<number> | null>>()

export async function use(auth: ours.AuthLike) {
  const client = await ours.openSync({ url: 'https://x.test', key: 'k', auth })
  const logs = client.collection('logs')
  await logs.put('1', { category: 'journal', content: 'text', metadata: { any: 1 } })
  await logs.patch('1', { content: undefined })
  const mood: string = logs.get('1')?.metadata.mood
  const id: string | undefined = logs.list({ where: { 'metadata.mood': mood } })[0]?.id
  await client.collection('progress').increment('self', 'totalCompletions', 1, { completedDays: [] })
  await client.collection('embeddings').put('1', { embedding: new Float32Array(384) })
  const report: ours.SyncReport = await client.sync({ signal: AbortSignal.timeout(1) })
  // @ts-expect-error there is no such collection
  client.collection('log')
  // @ts-expect-error there is no such field
  logs.patch('1', { colour: 'red' })
  // @ts-expect-error a text is not a number
  client.collection('health').put('2026-11-22', { steps: 'many' })
  // @ts-expect-error what is read is not to be changed
  logs.list()[0].content = 'x'
  // @ts-expect-error there is no such event
  client.on('everything', () => {})
  // @ts-expect-error the key is missing
  ours.openSync({ url: 'https://x.test', auth })

  const schema = ours.defineSchema({
    collections: {
      notes: {
        table: 'notes',
        key: 'id',
        fields: {
          id: { column: 'id', type: 'text' },
          stars: { column: 'stars', type: 'integer', values: [1, 2, 3], required: true },
        },
      },
    },
  })
  const own = await ours.openSync({ url: 'https://x.test', key: 'k', auth, schema })
  const stars: number | undefined = own.collection('notes').get('1')?.stars
  // @ts-expect-error the app's schema has no logs
  own.collection('logs')
  // @ts-expect-error not a type
  ours.defineSchema({ collections: { a: { key: 'self', fields: { b: { column: 'b', type: 'x' } } } } })
  return [id, report, stars]
}
