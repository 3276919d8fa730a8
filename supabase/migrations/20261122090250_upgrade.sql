-- What a table that has been in use without sync needs before it can take part, for
-- somatic_sync.add_collection. On a table made for sync, or taken over before, all of it finds
-- nothing to do. docs/upgrading.md tells operators what happens to their rows.
--
-- Laws: no row is dropped (what cannot stay goes to somatic_sync.set_aside); no write that was
-- accepted before is refused after; columns are filled by rewriting the table, not by UPDATE, so that
-- triggers of the project's own do not fire.

-- Rows that could not stay in their table, as they were. Those without an owner are for operators;
-- a user may see and remove his own.
--   reason: 'no owner'; 'twin of <id>': what that row now stands for
create table if not exists somatic_sync.set_aside (
  user_id uuid references auth.users (id) on delete cascade,
  table_name text not null,
  content jsonb not null,
  reason text not null,
  at timestamptz not null default now()
);
create index if not exists set_aside_user_id_idx on somatic_sync.set_aside (user_id);
alter table somatic_sync.set_aside enable row level security;
drop policy if exists "own rows" on somatic_sync.set_aside;
create policy "own rows" on somatic_sync.set_aside for all to authenticated
  using (user_id = (select auth.uid()));

-- Users for whom a client that knows nothing of sync stored a twin, since when.
create table if not exists somatic_sync.twins (
  user_id uuid primary key references auth.users (id) on delete cascade,
  found_at timestamptz not null default now()
);
alter table somatic_sync.twins enable row level security;

revoke all on somatic_sync.set_aside, somatic_sync.twins from public, anon, authenticated;
grant select, delete on somatic_sync.set_aside to authenticated;
grant select, insert, update, delete on somatic_sync.set_aside, somatic_sync.twins to service_role;

-- SQL for a time of a row: the first of these columns that the table has and the row fills.
create or replace function somatic_sync.time_of(name text, candidates text[]) returns text
language sql stable
set search_path = ''
as $$
  select format('coalesce(%s now())', string_agg(format('%I, ', c.name), '' order by c.place))
  from unnest(candidates) with ordinality c (name, place)
  join pg_catalog.pg_attribute a
    on a.attrelid = to_regclass(format('public.%I', time_of.name)) and a.attname = c.name
    and a.atttypid = 'timestamptz'::regtype and not a.attisdropped
$$;

-- When a row came to be, and when it was last written, as SQL.
create or replace function somatic_sync.born(name text) returns text
language sql stable
set search_path = ''
as $$
  select somatic_sync.time_of(name, '{created_at,generated_at,cached_at,synced_at,updated_at}')
$$;
create or replace function somatic_sync.written(name text) returns text
language sql stable
set search_path = ''
as $$
  select somatic_sync.time_of(name, '{updated_at,synced_at,cached_at,generated_at,created_at}')
$$;

-- The clock of a row from before clocks: it is as old as it says, but never of the future.
create or replace function somatic_sync.clock_at(at timestamptz) returns text
language sql stable
set search_path = ''
as $$
  select lpad(floor(extract(epoch from greatest(least(at, now()), 'epoch')) * 1000)::bigint::text, 13, '0')
      || '-0000-00000000'
$$;

-- The columns of other tables that refer to public.<name>.id: (source, column_name).
create or replace function somatic_sync.references_to(name text)
returns table (source regclass, column_name name)
language sql stable
set search_path = ''
as $$
  select r.conrelid::regclass, a.attname
  from pg_catalog.pg_constraint r
  join pg_catalog.pg_attribute i
    on i.attrelid = r.confrelid and r.confkey = array[i.attnum] and i.attname = 'id'
  join pg_catalog.pg_attribute a on a.attrelid = r.conrelid and r.conkey = array[a.attnum]
  where r.contype = 'f' and r.confrelid = to_regclass(format('public.%I', name))
$$;

-- Columns, owners, primary key and leftover policies of one table.
--   keep_id: the id alone stays unique, because clients that know nothing of sync name rows by it.
create or replace function somatic_sync.prepare_table(name text, keep_id boolean) returns void
language plpgsql
set search_path = ''
as $$
declare
  tbl constant regclass := format('public.%I', name)::regclass;
  had constant text[] := array(
    select a.attname from pg_catalog.pg_attribute a
    where a.attrelid = tbl and a.attnum > 0 and not a.attisdropped);
  written constant text := somatic_sync.written(name);
  key_name text;
  policy text;
begin
  -- No device may pull while rows get their versions: sync() reads meta first.
  lock table somatic_sync.meta in access exclusive mode;
  execute format('lock table public.%I in access exclusive mode', name);

  if not had @> '{version,clocks,updated_at}' then
    execute format(
      'alter table public.%I
         add column if not exists version bigint not null default nextval(''somatic_sync.versions''),
         add column if not exists clocks jsonb not null default ''{}'',
         add column if not exists updated_at timestamptz default now()', name);
    execute (
      select format('alter table public.%I %s', name, string_agg(c.change, ', '))
      from (values
        ('version', 'alter column version drop default'),
        ('clocks', format(
          'alter column clocks type jsonb
             using jsonb_build_object(''*'', somatic_sync.clock_at(%s))', written)),
        ('updated_at', format('alter column updated_at type timestamptz using %s', written))
      ) c (column_name, change)
      where c.column_name <> all (had));
  end if;

  perform somatic_sync.give_owners(name);

  select c.conname into key_name
  from pg_catalog.pg_constraint c
  join pg_catalog.pg_attribute a on a.attrelid = tbl and c.conkey = array[a.attnum]
  where c.conrelid = tbl and c.contype = 'p' and a.attname = 'id';
  if key_name is not null and not keep_id then
    begin
      execute format(
        'alter table public.%I drop constraint %I, add primary key (user_id, id)', name, key_name);
    exception when dependent_objects_still_exist then
      raise notice 'something refers to %.id: it stays unique by itself', name;
    end;
  end if;

  for policy in
    select p.policyname from pg_catalog.pg_policies p
    where p.schemaname = 'public' and p.tablename = name and p.policyname not like 'own rows: %'
  loop
    if policy like 'Users can % their own %' then
      execute format('drop policy %I on public.%I', policy, name);
    else
      raise warning 'the policy % of % stays: make sure that it shows nobody another user''s rows',
        policy, name;
    end if;
  end loop;
end
$$;

-- Every row has an owner from here on. One without goes to set_aside, unless another table refers to
-- it: then it stays where it is, for row-level security shows it to nobody.
create or replace function somatic_sync.give_owners(name text) returns void
language plpgsql
set search_path = ''
as $$
declare
  tbl constant regclass := format('public.%I', name)::regclass;
  left_over bigint;
begin
  execute format('alter table public.%I alter column user_id set default auth.uid()', name);
  if exists (select from pg_catalog.pg_attribute a
             where a.attrelid = tbl and a.attname = 'user_id' and not a.attnotnull) then
    execute format(
      'with gone as (delete from public.%I t where t.user_id is null%s returning t.*)
       insert into somatic_sync.set_aside (table_name, content, reason)
       select %L, to_jsonb(g), ''no owner'' from gone g',
      name,
      (select string_agg(
         format(' and not exists (select from %s r where r.%I = t.id)', r.source, r.column_name), '')
       from somatic_sync.references_to(name) r),
      name);
    execute format('select count(*) from public.%I where user_id is null', name) into left_over;
    if left_over = 0 then
      execute format('alter table public.%I alter column user_id set not null', name);
    else
      raise warning '% rows of % have no owner and something refers to them: they stay, unseen',
        left_over, name;
    end if;
  end if;

  if not exists (
    select from pg_catalog.pg_constraint c
    join pg_catalog.pg_attribute a on a.attrelid = tbl and c.conkey = array[a.attnum]
    where c.conrelid = tbl and c.contype = 'f' and c.confrelid = 'auth.users'::regclass
      and a.attname = 'user_id'
  ) then
    execute format(
      'alter table public.%I add foreign key (user_id) references auth.users (id)
         on delete cascade not valid', name);
  end if;
end
$$;

-- Rows of one user that are the same thing become one: the oldest keeps its id and takes the columns
-- of the one written last; what was replaced goes to set_aside, and what referred to a twin refers
-- to the one that stays. Where that cannot be (each is referred to by something unique), they stay.
--   place: what makes two rows the same, as SQL; rows where it is null or '' are nobody's twins
--   owner: null = all users
create or replace function somatic_sync.collapse_twins(name text, place text, owner uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  contents constant text[] := array(
    select a.attname from pg_catalog.pg_attribute a
    where a.attrelid = format('public.%I', name)::regclass and a.attnum > 0
      and not a.attisdropped and a.attgenerated = ''
      and a.attname not in ('id', 'user_id', 'version', 'created_at'));
  twins record;
  refers record;
begin
  for twins in execute format(
    'select t.user_id, array_agg(t.id order by %3$s, t.id) as ids,
            (array_agg(t.id order by %4$s desc, t.id))[1] as latest
     from public.%1$I t
     where ($1 is null or t.user_id = $1) and t.user_id is not null and %2$s <> ''''
     group by t.user_id, %2$s
     having count(*) > 1', name, place, somatic_sync.born(name), somatic_sync.written(name))
    using owner
  loop
    begin
      for refers in select * from somatic_sync.references_to(name) loop
        execute format('update %s r set %I = $1 where r.%2$I = any ($2)',
          refers.source, refers.column_name)
          using twins.ids[1], twins.ids[2:];
      end loop;
      execute format(
        'insert into somatic_sync.set_aside (user_id, table_name, content, reason)
         select t.user_id, %L, to_jsonb(t), ''twin of '' || $2 from public.%I t
         where t.user_id = $1 and t.id = any ($3) and (t.id <> $2 or $2 <> $4)', name, name)
        using twins.user_id, twins.ids[1], twins.ids, twins.latest;
      -- As sync() writes: with the clocks of the edit, which is no new one.
      perform set_config('somatic_sync.applying', 'on', true);
      execute format(
        'update public.%1$I t set (%2$s) = (
           select %2$s from public.%1$I l where l.user_id = t.user_id and l.id = $3)
         where t.user_id = $1 and t.id = $2 and $2 <> $3',
        name, (select string_agg(quote_ident(c), ', ') from unnest(contents) c))
        using twins.user_id, twins.ids[1], twins.latest;
      perform set_config('somatic_sync.applying', 'off', true);
      execute format('delete from public.%I t where t.user_id = $1 and t.id = any ($2)', name)
        using twins.user_id, twins.ids[2:];
    exception when integrity_constraint_violation then
      perform set_config('somatic_sync.applying', 'off', true);
      raise notice 'twins in % stay, because something refers to each: %', name, twins.ids;
    end;
  end loop;
end
$$;

-- Makes the natural key unique for each user. Where it was not, clients may be used to inserting the
-- same thing again: such an insert becomes an update of the row that is there.
create or replace function somatic_sync.enforce_key(name text, key_column text) returns void
language plpgsql
set search_path = ''
as $$
declare
  columns constant text[] := case key_column when 'user_id' then array['user_id']
                                             else array['user_id', key_column] end;
begin
  if exists (
    select from pg_catalog.pg_index i
    where i.indrelid = format('public.%I', name)::regclass and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null
      and (select array_agg(a.attname::text) from pg_catalog.pg_attribute a
           where a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[]))
          <@ columns
  ) then
    return;
  end if;
  perform somatic_sync.collapse_twins(name, format('%I::text', key_column), null);
  execute format('alter table public.%I add unique (%s)', name,
    (select string_agg(quote_ident(c), ', ') from unnest(columns) c));
  execute format(
    'create or replace trigger sync_1_meet before insert on public.%I
       for each row execute function somatic_sync.meet(%L)', name, key_column);
end
$$;

-- Before each row of a direct insert: when the row of its natural key is there, that one takes what
-- the new one has. Argument: the column of the natural key.
create or replace function somatic_sync.meet() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  met integer;
begin
  if coalesce(current_setting('somatic_sync.applying', true), '') = 'on' then
    return new;
  end if;
  execute format(
    'update public.%I t set %s where t.user_id = ($1).user_id and t.%I = ($1).%3$I',
    tg_table_name,
    (select string_agg(format('%I = coalesce(($1).%1$I, t.%1$I)', c), ', ')
     from somatic_sync.writable_columns w, unnest(w.columns) c
     where w.table_name = tg_table_name and c <> tg_argv[0]),
    tg_argv[0])
  using new;
  get diagnostics met = row_count;
  return case when met = 0 then new end;
end
$$;

-- Collapses the twins that clients without sync have stored for the caller. Not at once: the client
-- that made one may still be about to refer to it. SECURITY DEFINER, because references lie in
-- tables of which the caller may see only a part; it is about nobody but the caller.
create or replace function somatic_sync.collapse_due() returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  owner constant uuid := auth.uid();
  found record;
begin
  if not exists (select from somatic_sync.twins t
                 where t.user_id = owner and t.found_at < now() - interval '1 hour') then
    return;
  end if;
  perform somatic_sync.lock_user(owner);
  for found in
    select c.table_name, p.place
    from somatic_sync.collections c cross join unnest(c.identity) p (place)
    order by 1, 2
  loop
    perform somatic_sync.collapse_twins(
      found.table_name, somatic_sync.identity_at(found.place), owner);
  end loop;
  delete from somatic_sync.twins t where t.user_id = owner;
end
$$;

revoke all on function
  somatic_sync.time_of(text, text[]),
  somatic_sync.born(text),
  somatic_sync.written(text),
  somatic_sync.clock_at(timestamptz),
  somatic_sync.references_to(text),
  somatic_sync.prepare_table(text, boolean),
  somatic_sync.give_owners(text),
  somatic_sync.collapse_twins(text, text, uuid),
  somatic_sync.enforce_key(text, text),
  somatic_sync.meet(),
  somatic_sync.collapse_due()
from public, anon, authenticated;
grant execute on function somatic_sync.collapse_due() to authenticated, service_role;
