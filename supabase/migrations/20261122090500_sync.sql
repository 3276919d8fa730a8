-- public.sync: one request in, one JSON value out. The protocol (docs/protocol.md) is the contract;
-- the pieces of a push are in the migration before this one, the pull is here.

-- The rows of some outcomes as they are now: (ord, row) for those that are stored.
create or replace function somatic_sync.stored_rows(
  owner uuid, wanted somatic_sync.outcome[]
) returns table (ord integer, stored jsonb)
language plpgsql
set search_path = ''
as $$
declare
  query text;
begin
  select string_agg(format(
    'select w.ord, to_jsonb(t) - ''{user_id,updated_at}''::text[]
     from unnest($2) w join public.%1$I t on t.user_id = $1 and t.id = w.id
     where w.tbl = %1$L', c.table_name), ' union all ')
  into query
  from somatic_sync.collections c
  where c.table_name in (select w.tbl from unnest(wanted) w);
  if query is not null then
    return query execute query using owner, wanted;
  end if;
end
$$;

-- Everything of a user after a cursor, all tables and tombstones together, cut at page_size in
-- version order. ONE statement, and so one snapshot: rows that are committed between two would be
-- gaps. known are versions this request wrote and answered whole: they are passed over, not echoed.
--   rows        {table: [row]}, only tables that have some
--   tombstones  [[table, id, version, clock]]
--   next        the new cursor
--   more        there is more after it
create or replace function somatic_sync.pull(
  owner uuid, after_version bigint, page_size integer, known bigint[],
  out rows json, out tombstones json, out next bigint, out more boolean
)
language plpgsql
set search_path = ''
as $$
declare
  versions text;
  pages text;
begin
  select
    string_agg(format(
      '(select t.version from public.%I t where t.user_id = $1 and t.version > $2
          and t.version <> all ($4) order by t.version limit $3 + 1)', w.table_name),
      ' union all ' order by w.table_name),
    string_agg(format(
      '(%L, (select json_agg(row_to_json(r) order by r.version) from (
          select t.id, t.version, t.clocks, %s from public.%I t
          where t.user_id = $1 and t.version > $2 and t.version <= (select last from page)
            and t.version <> all ($4)) r))',
      w.table_name,
      (select string_agg(format('t.%I', c), ', ') from unnest(w.columns) c),
      w.table_name),
      ', ' order by w.table_name)
  into versions, pages
  from somatic_sync.writable_columns w;

  execute format($sql$
    with versions as materialized (
      select v.version
      from (
        %s union all
        (select d.version from somatic_sync.tombstones d where d.user_id = $1 and d.version > $2
           and d.version <> all ($4) order by d.version limit $3 + 1)
      ) v
      order by v.version
      limit $3 + 1
    ),
    page as materialized (
      select max(p.version) as last from (
        select v.version from versions v order by v.version limit $3
      ) p
    ),
    counted as (select count(*) > $3 as more from versions)
    select
      coalesce((
        select json_object_agg(p.name, p.content)
        from (values %s) p (name, content)
        where p.content is not null
      ), '{}'::json),
      coalesce((
        select json_agg(json_build_array(d.table_name, d.id, d.version, d.clock) order by d.version)
        from somatic_sync.tombstones d
        where d.user_id = $1 and d.version > $2 and d.version <= (select last from page)
          and d.version <> all ($4)
      ), '[]'::json),
      -- Known versions beyond the page are passed over only when nothing is left before them.
      case when c.more then coalesce((select last from page), $2)
           else greatest($2, (select last from page),
                  case when $3 > 0 then (select max(k) from unnest($4) k) end) end,
      c.more
    from counted c
  $sql$, versions, pages)
  into rows, tombstones, next, more
  using owner, after_version, page_size, known;
end
$$;

-- sync(request) -> answer: push and pull in one call. See docs/protocol.md for every member.
--
--   request  {protocol: 1, device: uuid, epoch: uuid|null, cursor: integer, horizon: integer,
--             last: uuid|null, acks: [uuid], push: [mutation], limit: integer}
--   answer   {protocol, now, epoch, answers: [..], rows: {table: [row]}, tombstones: [..],
--             cursor, horizon, more}
--          | {protocol, now, epoch, resync: 'epoch'|'restored'|'horizon'}    nothing was applied
--          | {protocol, now, epoch, error: {code: 'protocol', message}}      nothing was applied
--   errors   42501 not signed in; 22023 the request itself is malformed (a push that is no array or
--            has more than 5,000 mutations, no device, a cursor that is no version). A bad mutation
--            never fails the request: it is answered `rejected`.
create or replace function public.sync(request jsonb) returns jsonb
language plpgsql volatile security invoker
set search_path = ''
set timezone = 'UTC'
set jit = off
as $$
declare
  uuid_pattern constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
  owner uuid := auth.uid();
  now_ms bigint := somatic_sync.now_ms();
  current_epoch uuid;
  device_id uuid;
  seen bigint;
  forgotten bigint;
  last_mid uuid;
  known_last uuid;
  page_size integer;
  push jsonb := coalesce(nullif(request -> 'push', 'null'), '[]');
  acked uuid[];
  head jsonb;
  resync text;
  writes boolean;
  muts somatic_sync.mutation[];
  outcomes somatic_sync.outcome[] := '{}';
  answers json := '[]';
  known bigint[] := '{}';
  pulled record;
begin
  if owner is null then
    raise insufficient_privilege using message = 'not signed in';
  end if;
  if request is null or jsonb_typeof(request) <> 'object' then
    raise invalid_parameter_value using message = 'the request is not an object';
  end if;
  select m.epoch into current_epoch from somatic_sync.meta m;
  head := jsonb_build_object('protocol', 1, 'now', now_ms, 'epoch', current_epoch);
  if request -> 'protocol' is distinct from '1' then
    return head || jsonb_build_object('error', jsonb_build_object(
      'code', 'protocol', 'message', 'this server speaks protocol 1'));
  end if;

  if coalesce(request ->> 'device', '') !~* uuid_pattern then
    raise invalid_parameter_value using message = 'device is not a uuid';
  end if;
  if coalesce(request ->> 'cursor', '') !~ '^[0-9]{1,18}$' then
    raise invalid_parameter_value using message = 'cursor is not a version';
  end if;
  if coalesce(request ->> 'horizon', '0') !~ '^[0-9]{1,18}$' then
    raise invalid_parameter_value using message = 'horizon is not a version';
  end if;
  if coalesce(request ->> 'limit', '1000') !~ '^[0-9]{1,9}$' then
    raise invalid_parameter_value using message = 'limit is not a number of rows';
  end if;
  if coalesce(request ->> 'last', '00000000-0000-0000-0000-000000000000') !~* uuid_pattern then
    raise invalid_parameter_value using message = 'last is not a uuid';
  end if;
  if jsonb_typeof(push) <> 'array' then
    raise invalid_parameter_value using message = 'push is not an array';
  end if;
  if jsonb_array_length(push) > 5000 then
    raise invalid_parameter_value using message = 'push has more than 5000 mutations';
  end if;
  device_id := request ->> 'device';
  seen := request ->> 'cursor';
  last_mid := request ->> 'last';
  page_size := least(coalesce(request ->> 'limit', '1000')::integer, 5000);
  acked := array(
    select a::uuid
    from jsonb_array_elements_text(
      case jsonb_typeof(request -> 'acks') when 'array' then request -> 'acks' else '[]' end) a
    where a ~* uuid_pattern);

  -- The lock before anything is read that decides about a write. A pull needs none: it is one
  -- snapshot, and versions of one user become visible in their order.
  select d.last into known_last
  from somatic_sync.devices d
  where d.user_id = owner and d.device = device_id;
  writes := push <> '[]' or acked <> '{}'
    or (last_mid is not null and last_mid is distinct from known_last);
  if writes then
    perform somatic_sync.lock_user(owner);
  end if;

  forgotten := coalesce((select h.version from somatic_sync.horizons h
                         where h.user_id = owner), 0);
  -- A device that began after tombstones were forgotten has nothing to learn from them, whatever
  -- its cursor is. One that says it has no last answer, and is known to have had one, is behind.
  resync := case
    when request ->> 'epoch' <> current_epoch::text then 'epoch'
    when seen > (select case when v.is_called then v.last_value else 0 end
                 from somatic_sync.versions v) then 'restored'
    when seen > 0 and seen < forgotten
      and coalesce(request ->> 'horizon', '0')::bigint < forgotten then 'horizon'
    when last_mid is distinct from known_last
      and not exists (select from somatic_sync.ledger l
                      where l.user_id = owner and l.mid = last_mid) then 'restored'
  end;
  if resync is not null then
    return head || jsonb_build_object('resync', resync);
  end if;

  perform somatic_sync.collapse_due();
  if writes then
    perform somatic_sync.keep_books(owner, device_id, last_mid, acked, seen);
  end if;

  if push <> '[]' then
    muts := somatic_sync.classify(owner, somatic_sync.read_push(push), now_ms);
    perform set_config('somatic_sync.applying', 'on', true);
    perform set_config('somatic_sync.device', device_id::text, true);
    outcomes := somatic_sync.apply_all(owner, muts);
    perform set_config('somatic_sync.device', '', true);
    perform set_config('somatic_sync.applying', 'off', true);

    outcomes := outcomes || array(
      select row(m.ord,
          case m.op when 'nothing' then 'applied' else m.op end,
          m.tbl, m.target, m.stored, m.op = 'nothing', null, m.code, m.message
        )::somatic_sync.outcome
      from unnest(muts) m
      where m.op in ('duplicate', 'rejected', 'conflict', 'nothing'));

    insert into somatic_sync.ledger (user_id, mid, version, row_id)
    select owner, m.mid, o.version, o.id
    from unnest(outcomes) o
    join unnest(muts) m on m.ord = o.ord
    where o.status = 'applied';

    perform somatic_sync.log_failures(owner, outcomes);

    select array_agg(o.version) into known
    from unnest(outcomes) o
    where o.status = 'applied' and o.whole and seen > 0;

    select json_agg(
      case o.status
        when 'applied' then
          jsonb_build_object('mid', p.m -> 'mid', 'status', 'applied', 'version', o.version)
          || case when o.changed is null then '{}'
                  else jsonb_build_object('changed', o.changed) end
        when 'rejected' then jsonb_build_object(
          'mid', p.m -> 'mid', 'status', 'rejected', 'code', o.code, 'message', o.message)
        else
          jsonb_build_object('mid', p.m -> 'mid', 'status', o.status)
          || case o.status when 'duplicate' then jsonb_build_object('version', o.version)
                           else '{}' end
          || case
               when s.stored is not null then jsonb_build_object('row', s.stored)
               when d.version is not null
                 then jsonb_build_object('gone', jsonb_build_array(d.version, d.clock))
               -- A deletion of nothing, repeated: there was and is no tombstone.
               when o.status = 'duplicate'
                 then jsonb_build_object('gone', jsonb_build_array(0, ''))
               else '{}' end
      end order by p.ord)
    into answers
    from jsonb_array_elements(push) with ordinality p (m, ord)
    left join unnest(outcomes) o on o.ord = p.ord
    left join somatic_sync.stored_rows(owner, array(
        select u from unnest(outcomes) u where u.status in ('duplicate', 'conflict'))) s
      on s.ord = p.ord
    left join somatic_sync.tombstones d
      on d.user_id = owner and d.table_name = o.tbl and d.id = o.id
      and o.status in ('duplicate', 'conflict');
  end if;

  select * into pulled from somatic_sync.pull(owner, seen, page_size, coalesce(known, '{}'));
  return head || jsonb_build_object(
    'answers', answers, 'rows', pulled.rows, 'tombstones', pulled.tombstones,
    'cursor', pulled.next, 'horizon', forgotten, 'more', pulled.more);
end
$$;

-- What a request says about itself: the device's last durable answer, and mutations the ledger may
-- forget, 7 days from now. Tombstones older than 400 days go, as far as this device has seen them,
-- and the horizon says so to the others.
create or replace function somatic_sync.keep_books(
  owner uuid, device_id uuid, last_mid uuid, acked uuid[], seen bigint
) returns void
language plpgsql
set search_path = ''
as $$
declare
  forgotten bigint;
begin
  -- last is never taken from the push: its answer may be lost, and then the device will come back
  -- with the one before it, which the ledger may have forgotten by then.
  insert into somatic_sync.devices as d (user_id, device, last)
  values (owner, device_id, last_mid)
  on conflict (user_id, device) do update
    set last = coalesce(excluded.last, d.last), seen_at = excluded.seen_at;

  if acked <> '{}' then
    update somatic_sync.ledger l set acked_at = now()
    where l.user_id = owner and l.mid = any (acked) and l.acked_at is null;
  end if;
  delete from somatic_sync.ledger l
  where l.user_id = owner and l.acked_at < now() - interval '7 days';

  -- Versions are in the order of time: when the first tombstone is young, all are.
  if (select t.deleted_at from somatic_sync.tombstones t
      where t.user_id = owner and t.version <= seen
      order by t.version limit 1) < now() - interval '400 days' then
    with gone as (
      delete from somatic_sync.tombstones t
      where t.user_id = owner and t.version <= seen
        and t.deleted_at < now() - interval '400 days'
      returning t.version
    )
    select max(version) into forgotten from gone;
    insert into somatic_sync.horizons as h (user_id, version) values (owner, forgotten)
    on conflict (user_id) do update set version = greatest(h.version, excluded.version);
  end if;
end
$$;

-- Counts rejected mutations for the operator. Messages of class 22 quote the value they could not
-- read: that is the user's content, so they are cut before it.
create or replace function somatic_sync.log_failures(owner uuid, outcomes somatic_sync.outcome[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  if not exists (select from unnest(outcomes) o where o.status = 'rejected') then
    return;
  end if;
  delete from somatic_sync.failures f
  where f.user_id = owner and f.last_at < now() - interval '90 days';
  insert into somatic_sync.failures as f (user_id, table_name, code, message, count)
  select owner, coalesce(c.table_name, '(none)'), o.code, x.message, count(*)
  from unnest(outcomes) o
  left join somatic_sync.collections c on c.table_name = o.tbl
  cross join lateral (
    select case when left(o.code, 2) = '22' then regexp_replace(o.message, '[:,]? *".*$', '')
                when o.code in ('42P01', '42703') then 'no such table or column'
                else left(o.message, 200) end as message
  ) x
  where o.status = 'rejected'
  group by 2, 3, 4
  on conflict (user_id, table_name, code, message) do update
    set count = f.count + excluded.count, last_at = excluded.last_at;
end
$$;

revoke all on function public.sync(jsonb) from public, anon, authenticated;
grant execute on function public.sync(jsonb) to authenticated, service_role;
revoke all on function
  somatic_sync.read_push(jsonb),
  somatic_sync.rows_by_identity(uuid, somatic_sync.mutation[]),
  somatic_sync.identity_repeats(somatic_sync.mutation[]),
  somatic_sync.classify(uuid, somatic_sync.mutation[], bigint),
  somatic_sync.apply(uuid, text, text, text[], text[], somatic_sync.mutation[]),
  somatic_sync.apply_or_split(uuid, text, text, text[], text[], somatic_sync.mutation[]),
  somatic_sync.apply_all(uuid, somatic_sync.mutation[]),
  somatic_sync.stored_rows(uuid, somatic_sync.outcome[]),
  somatic_sync.pull(uuid, bigint, integer, bigint[]),
  somatic_sync.keep_books(uuid, uuid, uuid, uuid[], bigint),
  somatic_sync.log_failures(uuid, somatic_sync.outcome[])
from public, anon;
grant execute on function
  somatic_sync.read_push(jsonb),
  somatic_sync.rows_by_identity(uuid, somatic_sync.mutation[]),
  somatic_sync.identity_repeats(somatic_sync.mutation[]),
  somatic_sync.classify(uuid, somatic_sync.mutation[], bigint),
  somatic_sync.apply(uuid, text, text, text[], text[], somatic_sync.mutation[]),
  somatic_sync.apply_or_split(uuid, text, text, text[], text[], somatic_sync.mutation[]),
  somatic_sync.apply_all(uuid, somatic_sync.mutation[]),
  somatic_sync.stored_rows(uuid, somatic_sync.outcome[]),
  somatic_sync.pull(uuid, bigint, integer, bigint[]),
  somatic_sync.keep_books(uuid, uuid, uuid, uuid[], bigint),
  somatic_sync.log_failures(uuid, somatic_sync.outcome[])
to authenticated, service_role;

comment on function public.sync(jsonb) is
  'Push and pull in one call; see docs/protocol.md. Requires a signed-in user.';
