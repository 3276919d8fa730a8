// The database side of the local Supabase's realtime: what a hosted project has in schema realtime, who may
// read a private topic, and the messages once they are committed. Must not know about sockets.

/**
 * The part of a hosted project's schema that broadcasts from the database need, under the same names; may
 * run again on a kept folder. realtime.send() never fails its caller there, so neither here. A message
 * travels as a notification, which holds 8,000 bytes: a larger one is lost with a warning.
 */
export const REALTIME_SQL = `
  create schema if not exists realtime;
  grant usage on schema realtime to anon, authenticated, service_role;
  create table if not exists realtime.messages (
    id uuid not null default gen_random_uuid() primary key,
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    inserted_at timestamp not null default now(),
    updated_at timestamp not null default now()
  );
  alter table realtime.messages enable row level security;
  grant select, insert, update on realtime.messages to anon, authenticated, service_role;

  create or replace function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
  $$;
  create or replace function realtime.send(
    payload jsonb, event text, topic text, private boolean default true
  ) returns void language plpgsql as $$
  declare
    message uuid := gen_random_uuid();
  begin
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message, jsonb_build_object('id', message) || payload, event, topic, private, 'broadcast');
  exception when others then
    raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
  end
  $$;

  create or replace function realtime.announce() returns trigger
  language plpgsql security definer as $$
  begin
    delete from realtime.messages where id = new.id;
    perform pg_notify('realtime_messages', to_jsonb(new)::text);
    return null;
  end
  $$;
  create or replace trigger announce after insert on realtime.messages
    for each row when (new.payload is not null) execute function realtime.announce();
`

/** @typedef {{ id: string, topic: string, event: string, payload: unknown, private: boolean }} Sent */

/**
 * Tells every message that realtime.send() sent, once its transaction is committed. It is not stored: what
 * was said while nobody listened is for nobody.
 * @param {import('@electric-sql/pglite').PGlite} pglite
 * @param {(message: Sent) => void} deliver
 */
export async function hearMessages(pglite, deliver) {
  await pglite.listen('realtime_messages', (text) => deliver(JSON.parse(text)))
}

/**
 * May somebody with these claims hear this private topic? Asked as the real one does it: is a message of
 * the topic visible to them by the policies of realtime.messages?
 * @param {import('@electric-sql/pglite').PGlite} pglite
 * @param {Record<string, unknown>} claims of a verified token
 * @param {string} topic
 * @returns {Promise<boolean>}
 */
export async function mayHear(pglite, claims, topic) {
  let isVisible = false
  const role = String(claims.role)
  if (!['anon', 'authenticated', 'service_role'].includes(role)) return false
  await pglite.transaction(async (transaction) => {
    const { rows } = await transaction.query(
      `insert into realtime.messages (topic, extension, private) values ($1, 'broadcast', true)
       returning id`,
      [topic],
    )
    await transaction.query(
      `select set_config('request.jwt.claims', $1, true), set_config('realtime.topic', $2, true)`,
      [JSON.stringify(claims), topic],
    )
    await transaction.exec(`set local role ${role}`)
    const { id } = /** @type {{ id: string }} */ (rows[0])
    const seen = await transaction.query('select 1 from realtime.messages where id = $1', [id])
    isVisible = seen.rows.length === 1
    await transaction.rollback()
  })
  return isVisible
}
