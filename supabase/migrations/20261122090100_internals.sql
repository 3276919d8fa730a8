-- What sync needs to remember besides the rows: the version sequence, tombstones, the ledger of
-- applied mutations, devices, the epoch, and a content-free log of refused mutations.
-- All of it lives in the schema somatic_sync, which PostgREST does not expose. sync() runs with the
-- caller's rights, so these tables carry grants and own-rows policies like the app's tables.

create schema if not exists somatic_sync;
revoke all on schema somatic_sync from public;
grant usage on schema somatic_sync to authenticated, service_role;

-- One sequence for every table and every user. Its cache must be 1: a cached block would be handed
-- out late by one session, and versions of one user would no longer be in commit order.
create sequence if not exists somatic_sync.versions as bigint cache 1;

-- The tables that take part, and the column that names a row for its user: 'user_id' where a user
-- has one row, null where only the id does. identity: members of JSON columns, as 'column.member',
-- whose text names a row too. Filled by somatic_sync.add_collection.
create table if not exists somatic_sync.collections (
  table_name text primary key,
  key_column text,
  identity text[] not null default '{}'
);

-- The columns of each collection a client may write, from the catalog.
create or replace view somatic_sync.writable_columns with (security_invoker = true) as
  select c.table_name, c.key_column, array_agg(a.attname::text order by a.attnum) as columns
  from somatic_sync.collections c
  join pg_catalog.pg_attribute a on a.attrelid = to_regclass(format('public.%I', c.table_name))
  where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and a.attname not in ('id', 'user_id', 'version', 'updated_at', 'clocks')
  group by c.table_name, c.key_column;

-- SQL for the text at such a place. Texts over 500 characters name nothing: an index could not hold
-- them, and what it cannot hold it would refuse.
--   row_name: with its dot, as 't.'
create or replace function somatic_sync.identity_at(place text, row_name text default '')
returns text
language sql immutable
set search_path = ''
as $$
  select format('case when char_length(%1$s) <= 500 then %1$s end',
    format('(%s%I ->> %L)', row_name, split_part(place, '.', 1), split_part(place, '.', 2)))
$$;

create table if not exists somatic_sync.tombstones (
  user_id uuid not null references auth.users (id) on delete cascade,
  table_name text not null,
  id uuid not null,
  version bigint not null,
  clock text not null,
  deleted_at timestamptz not null default now(),
  primary key (user_id, table_name, id)
);
create index if not exists tombstones_version_idx on somatic_sync.tombstones (user_id, version);

-- Mutations that were applied. row_id is the row they reached: it differs from the id in the
-- mutation where an increment found its row by natural key.
create table if not exists somatic_sync.ledger (
  user_id uuid not null references auth.users (id) on delete cascade,
  mid uuid not null,
  status text not null default 'applied',
  version bigint not null,
  row_id uuid not null,
  applied_at timestamptz not null default now(),
  acked_at timestamptz,
  primary key (user_id, mid)
);
create index if not exists ledger_acked_idx
  on somatic_sync.ledger (user_id, acked_at) where acked_at is not null;

-- One row per local database, for good: last is the last mutation whose answer is durable there. A
-- server that does not know it was restored from a backup.
create table if not exists somatic_sync.devices (
  user_id uuid not null references auth.users (id) on delete cascade,
  device uuid not null,
  last uuid,
  seen_at timestamptz not null default now(),
  primary key (user_id, device)
);

-- Tombstones up to this version were forgotten, so a cursor below it cannot learn of deletions.
create table if not exists somatic_sync.horizons (
  user_id uuid primary key references auth.users (id) on delete cascade,
  version bigint not null
);

-- Refused mutations, for operators: what was wrong and how often, never what was in them.
create table if not exists somatic_sync.failures (
  user_id uuid not null references auth.users (id) on delete cascade,
  table_name text not null,
  code text not null,
  message text not null,
  count bigint not null default 1,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  primary key (user_id, table_name, code, message)
);

create table if not exists somatic_sync.meta (
  only_row boolean primary key default true check (only_row),
  epoch uuid not null default gen_random_uuid()
);
insert into somatic_sync.meta default values on conflict do nothing;

-- For the operator, after restoring a backup: every device starts again from cursor 0.
create or replace function somatic_sync.new_epoch() returns uuid
language sql
set search_path = ''
as $$
  update somatic_sync.meta set epoch = gen_random_uuid() returning epoch
$$;
revoke all on function somatic_sync.new_epoch() from public;
grant execute on function somatic_sync.new_epoch() to service_role;

-- Grants and policies. Everyone signed in reads the catalogue and the epoch, and keeps the books of
-- nobody but himself.
revoke all on all tables in schema somatic_sync from public, anon, authenticated;
revoke all on all sequences in schema somatic_sync from public, anon, authenticated;
grant select on somatic_sync.collections, somatic_sync.writable_columns, somatic_sync.meta
  to authenticated;
grant select, insert, update, delete
  on somatic_sync.tombstones, somatic_sync.ledger, somatic_sync.devices, somatic_sync.horizons,
     somatic_sync.failures
  to authenticated;
grant usage, select on sequence somatic_sync.versions to authenticated, service_role;
grant select, insert, update, delete
  on somatic_sync.collections, somatic_sync.meta, somatic_sync.tombstones, somatic_sync.ledger,
     somatic_sync.devices, somatic_sync.horizons, somatic_sync.failures
  to service_role;
grant select on somatic_sync.writable_columns to service_role;

alter table somatic_sync.collections enable row level security;
alter table somatic_sync.meta enable row level security;

do $$
declare
  name text;
begin
  foreach name in array array['collections', 'meta'] loop
    execute format('drop policy if exists "readable when signed in" on somatic_sync.%I', name);
    execute format(
      'create policy "readable when signed in" on somatic_sync.%I
         for select to authenticated using (true)', name);
  end loop;
  foreach name in array array['tombstones', 'ledger', 'devices', 'horizons', 'failures'] loop
    execute format('alter table somatic_sync.%I enable row level security', name);
    execute format('drop policy if exists "own rows" on somatic_sync.%I', name);
    execute format(
      'create policy "own rows" on somatic_sync.%I for all to authenticated
         using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))', name);
  end loop;
end
$$;
