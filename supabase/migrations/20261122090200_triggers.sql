-- The triggers every collection carries, in the order of their names:
--
--   sync_1_lock    before statement   the user's lock, before any row lock
--   sync_2_derive  before row         (user_progress) days -> streak
--   sync_2_keep    before row         (achievements) what was unlocked stays so
--   sync_3_stamp   before row         version, updated_at, clocks
--   sync_4_after   after statement    tombstones out or in, one poke
--
-- They know no table by name and hold for every writer: sync(), supabase-js, the service role, psql.
--
-- Law: a version is drawn under the user's advisory transaction lock, which is held until commit. So
-- for one user the order of versions IS the order of commits, and a reader that has seen n will
-- never find a lower one later. The lock comes before the row locks, always: two writers of one user
-- queue, they do not deadlock. A service-role UPDATE or DELETE names no user before it meets the
-- row: such a job calls somatic_sync.lock_users() first (docs/protocol.md, Jobs).
--
-- Transaction-local settings: somatic_sync.applying = 'on' while sync() writes (it computes the
-- clocks itself), somatic_sync.device = whose writes these are then, somatic_sync.deleting = 'on'
-- while an account goes, somatic_sync.poked = users already told in this transaction.

-- The user's lock. uuid_hash_extended(.., 0) is written out again in stamp() and after_change(),
-- where a call per row would cost more than the lock.
create or replace function somatic_sync.lock_user(owner uuid) returns void
language sql
set search_path = ''
as $$
  select pg_advisory_xact_lock(uuid_hash_extended(owner, 0))
$$;

-- For jobs that write rows of many users in one transaction: all their locks, before any row lock, in
-- one order for every job. Users not named here must not be written in that transaction.
create or replace function somatic_sync.lock_users(owners uuid[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  owner uuid;
begin
  for owner in select distinct o from unnest(owners) o where o is not null order by 1 loop
    perform pg_advisory_xact_lock(uuid_hash_extended(owner, 0));
  end loop;
end
$$;

create or replace function somatic_sync.lock_caller() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  caller uuid := auth.uid();
begin
  if caller is not null then
    perform pg_advisory_xact_lock(uuid_hash_extended(caller, 0));
  end if;
  return null;
end
$$;

-- The server's time, the one that clocks are made of and cut to.
create or replace function somatic_sync.now_ms() returns bigint
language sql
set search_path = ''
as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- Clocks are text: 13 digits of milliseconds, 4 hex digits of counter, 8 of the device; the server
-- is device 00000000. The counter follows the version, so that later is greater within one ms too.
create or replace function somatic_sync.server_clock(version bigint) returns text
language sql
set search_path = ''
as $$
  select lpad(somatic_sync.now_ms()::text, 13, '0')
      || '-' || lpad(to_hex(version & 65535), 4, '0') || '-00000000'
$$;

-- The clocks of a row that was written directly. What the writer gave counts only where it is well
-- formed and newer than what is stored: an app that reads whole rows and writes them back must not
-- turn clocks back. A changed column without a newer clock gets the server's.
create or replace function somatic_sync.direct_clocks(
  before jsonb, after jsonb, version bigint
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  clock text := somatic_sync.server_clock(version);
  ceiling text := lpad((left(clock, 13)::bigint + 60000)::text, 13, '0');
  stored jsonb := coalesce(before -> 'clocks', '{}');
  given jsonb;
begin
  select coalesce(jsonb_object_agg(g.key, g.clock), '{}')
  into given
  from (
    select e.key,
           case when left(e.value, 13) collate "C" > ceiling
                then ceiling || substr(e.value, 14) else e.value end as clock
    from jsonb_each_text(
      case jsonb_typeof(after -> 'clocks') when 'object' then after -> 'clocks' else '{}' end) e
    where e.value ~ '^[0-9]{13}-[0-9a-f]{4}-[0-9a-f]{8}$' and (e.key = '*' or after ? e.key)
  ) g
  where g.clock collate "C" > coalesce(stored ->> g.key, stored ->> '*', '');

  if before is null then
    return jsonb_build_object('*', clock) || given;
  end if;
  return stored || given || coalesce((
    select jsonb_object_agg(a.key, clock)
    from jsonb_each(after) a
    where a.value is distinct from before -> a.key
      and not given ? a.key
      and a.key not in ('id', 'user_id', 'version', 'updated_at', 'clocks')
  ), '{}');
end
$$;

-- Before each row: version, updated_at and clocks are the server's to give, whatever was sent.
-- The owner cannot change (42501). A row that a job inserts without an owner is set aside. A changed id is ignored: an upsert on a natural key brings the
-- id it would have inserted. An update that changes nothing keeps its version, so nobody pulls it.
create or replace function somatic_sync.stamp() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  applying boolean := coalesce(current_setting('somatic_sync.applying', true), '') = 'on';
  next_version bigint;
begin
  if new.user_id is null and tg_op = 'INSERT' and not row_security_active(tg_relid) then
    insert into somatic_sync.set_aside (table_name, content, reason)
    values (tg_table_name, to_jsonb(new), 'no owner');
    return null;
  end if;
  perform pg_advisory_xact_lock(uuid_hash_extended(new.user_id, 0));
  if tg_op = 'UPDATE' then
    if old.user_id is not null and new.user_id is distinct from old.user_id then
      raise insufficient_privilege using message = 'the owner of a row cannot change';
    end if;
    new.id := old.id;
    new.version := old.version;
    new.updated_at := old.updated_at;
    if not applying and new.clocks is null then
      new.clocks := old.clocks;
    end if;
    if new operator(pg_catalog.*=) old then
      return new;
    end if;
  end if;

  next_version := nextval('somatic_sync.versions');
  if not applying then
    if tg_op = 'UPDATE' then
      new.clocks := somatic_sync.direct_clocks(to_jsonb(old), to_jsonb(new), next_version);
      if new operator(pg_catalog.*=) old then
        return new;
      end if;
    else
      new.clocks := somatic_sync.direct_clocks(null, to_jsonb(new), next_version);
    end if;
  end if;
  new.version := next_version;
  new.updated_at := clock_timestamp();
  return new;
end
$$;

-- Ranges of days in their one normal form: sorted, disjoint, adjacent ones merged. Null stays null.
-- Errors: 22023 where the value is not an array of [first, last] pairs of ISO dates.
create or replace function somatic_sync.normal_days(days jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  pair jsonb;
begin
  if days is null or days = 'null' then
    return null;
  end if;
  if jsonb_typeof(days) <> 'array' then
    raise invalid_parameter_value using message = 'completed_days is not an array of day ranges';
  end if;
  for pair in select value from jsonb_array_elements(days) loop
    if jsonb_typeof(pair) <> 'array' or jsonb_array_length(pair) <> 2
       or coalesce(pair ->> 0, '') !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
       or coalesce(pair ->> 1, '') !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
       or (pair ->> 0) collate "C" > (pair ->> 1) then
      raise invalid_parameter_value using message = 'completed_days holds something else than '
        '[first day, last day] pairs';
    end if;
  end loop;
  return coalesce((
    select jsonb_agg(jsonb_build_array(lower(r), upper(r) - 1) order by lower(r))
    from unnest((
      select range_agg(daterange((value ->> 0)::date, (value ->> 1)::date, '[]'))
      from jsonb_array_elements(days)
    )) r
  ), '[]');
end
$$;

-- The days a streak of so many days that ended on a day stands for, as ranges; none for a streak
-- below 1, without a date, or beyond the years that days are written in. (A nonsense streak is cut at
-- a century, not refused.)
create or replace function somatic_sync.streak_days(streak integer, last_day date) returns jsonb
language sql immutable
set search_path = ''
as $$
  select case when streak >= 1 and last_day between '0200-01-01' and '9999-12-31'
              then jsonb_build_array(jsonb_build_array(
                     last_day - least(streak, 36525) + 1, last_day))
              else '[]'::jsonb end
$$;

-- completed_days is the truth, compliance_streak and last_completed_date are its last range. A
-- writer that sets those two and knows nothing of days (the older app) adds its days to the others:
-- so of two writers neither can destroy the other's streak.
create or replace function somatic_sync.derive_streak() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  added jsonb := '[]';
  latest jsonb;
begin
  if tg_op = 'INSERT' then
    if coalesce(new.completed_days, '[]') in ('[]', 'null') then
      new.completed_days := nullif(
        somatic_sync.streak_days(new.compliance_streak, new.last_completed_date), '[]');
    end if;
  else
    if new.completed_days is not distinct from old.completed_days
       and (new.compliance_streak is distinct from old.compliance_streak
            or new.last_completed_date is distinct from old.last_completed_date) then
      added := somatic_sync.streak_days(new.compliance_streak, new.last_completed_date);
    end if;
    if old.completed_days is null and new is distinct from old then
      -- A row from before completed_days: its streak is all it knows.
      added := added || somatic_sync.streak_days(old.compliance_streak, old.last_completed_date);
    end if;
    if added <> '[]' and coalesce(jsonb_typeof(new.completed_days), 'null') in ('array', 'null') then
      new.completed_days := coalesce(nullif(new.completed_days, 'null'), '[]') || added;
    end if;
  end if;

  new.completed_days := somatic_sync.normal_days(new.completed_days);
  latest := new.completed_days -> -1;
  if latest is not null then
    new.last_completed_date := (latest ->> 1)::date;
    new.compliance_streak := (latest ->> 1)::date - (latest ->> 0)::date + 1;
  end if;
  return new;
end
$$;

-- An achievement goes one way only, by the rules of the schema (or, min, max): a stale copy of the app
-- without sync writes what it knew, and must not lock it again. What sync() writes is merged already.
create or replace function somatic_sync.keep_unlocked() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if coalesce(current_setting('somatic_sync.applying', true), '') = 'on' then
    return new;
  end if;
  new.unlocked := case when old.unlocked then true else new.unlocked end;
  new.unlocked_date := least(old.unlocked_date, new.unlocked_date);
  new.progress := greatest(old.progress, new.progress);
  return new;
end
$$;

-- After each statement, with the rows it wrote or deleted as the transition table changed_rows.
-- SECURITY DEFINER, because it reads auth.users and sends through realtime; it takes nothing from
-- the caller but those rows.
--   insert: the tombstones of rows made again go; twins that a client without sync made are noted.
--   delete: tombstones, unless the account itself is going.
--   any:    one message without content per transaction and user on the private topic sync:<user id>.
create or replace function somatic_sync.after_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  owner uuid;
  poked text;
  twins_of_new text;
begin
  if tg_op = 'INSERT' then
    delete from somatic_sync.tombstones t
    using changed_rows c
    where t.user_id = c.user_id and t.table_name = tg_table_name and t.id = c.id;
    if coalesce(current_setting('somatic_sync.applying', true), '') <> 'on' then
      select string_agg(format(
        'select c.user_id from changed_rows c
         join public.%I t on t.user_id = c.user_id and %s = %s and t.id <> c.id
         where %3$s <> ''''', tg_table_name,
        somatic_sync.identity_at(p.place, 't.'), somatic_sync.identity_at(p.place, 'c.')), ' union ')
      into twins_of_new
      from somatic_sync.collections l cross join unnest(l.identity) p (place)
      where l.table_name = tg_table_name;
    end if;
    if twins_of_new is not null then
      execute 'insert into somatic_sync.twins (user_id) ' || twins_of_new || ' on conflict do nothing';
    end if;
  elsif tg_op = 'DELETE' then
    if coalesce(current_setting('somatic_sync.deleting', true), '') = 'on' then
      return null;
    end if;
    -- An owner who is gone from auth.users in this transaction leaves nothing behind, and is not
    -- locked either: a deleted account must not wait for its own devices.
    for owner in
      select distinct c.user_id
      from changed_rows c join auth.users u on u.id = c.user_id
      order by 1
    loop
      perform pg_advisory_xact_lock(uuid_hash_extended(owner, 0));
      insert into somatic_sync.tombstones as t (user_id, table_name, id, version, clock)
      select c.user_id, tg_table_name, c.id, c.version, somatic_sync.server_clock(c.version)
      from (
        select o.user_id, o.id, nextval('somatic_sync.versions') as version
        from changed_rows o
        where o.user_id = owner
      ) c
      on conflict (user_id, table_name, id) do update
        set version = excluded.version, clock = excluded.clock, deleted_at = excluded.deleted_at;
    end loop;
  end if;

  -- A poke must never cost a write: whatever goes wrong in realtime stays there. A lost poke only
  -- delays the next pull. It names the device whose push this is: that one need not ask.
  if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
    poked := coalesce(current_setting('somatic_sync.poked', true), '');
    for owner in select distinct c.user_id from changed_rows c loop
      if strpos(poked, owner::text) = 0 then
        begin
          execute 'select realtime.send($1, $2, $3, true)'
            using jsonb_strip_nulls(jsonb_build_object(
              'device', nullif(current_setting('somatic_sync.device', true), ''))),
              'poke', 'sync:' || owner;
        exception when others then
          null;
        end;
        poked := poked || owner::text || ',';
      end if;
    end loop;
    perform set_config('somatic_sync.poked', poked, true);
  end if;
  return null;
end
$$;

revoke all on all functions in schema somatic_sync from public, anon, authenticated;
grant execute on function
  somatic_sync.identity_at(text, text),
  somatic_sync.lock_user(uuid),
  somatic_sync.now_ms(),
  somatic_sync.server_clock(bigint),
  somatic_sync.direct_clocks(jsonb, jsonb, bigint),
  somatic_sync.normal_days(jsonb),
  somatic_sync.streak_days(integer, date)
to authenticated, service_role;
grant execute on function somatic_sync.lock_users(uuid[]) to service_role;
