-- How a push is applied, in three set-based steps that sync() strings together:
--
--   read_push   JSON -> somatic_sync.mutation[], each checked by itself
--   classify    what is to happen to each: the table "What happens to a mutation" of the protocol
--   apply       one statement per (table, operation, column set); a group that fails is halved until
--               the bad rows stand alone, so that they alone are rejected
--
-- All run as the caller, under row-level security and the user's lock. Column and table names in
-- dynamic SQL come from the catalogue; values are never spliced in.

do $$
begin
  if to_regtype('somatic_sync.mutation') is null then
    create type somatic_sync.mutation as (
      ord integer,       -- place in the push, from 1
      mid uuid,
      tbl text,
      id uuid,           -- as pushed
      target uuid,       -- the row it is about: another id where a natural key or the ledger says so
      base bigint,
      del boolean,
      sets jsonb,
      inc jsonb,
      clocks jsonb,      -- as pushed; after classify: as to be stored
      told boolean,      -- the writer knows these clocks: none was cut, added or left out
      set_cols text[],
      inc_cols text[],
      pure boolean,      -- a pure increment: applies to whatever is stored
      op text,           -- duplicate rejected nothing delete update increment conflict insert find
      stored bigint,     -- version of the stored row, of the ledger (duplicate), tombstone (nothing)
      code text,
      message text
    );
    create type somatic_sync.outcome as (
      ord integer,
      status text,       -- applied duplicate conflict rejected; inside: missed found absent
      tbl text,
      id uuid,           -- the row it reached
      version bigint,
      whole boolean,     -- answer and push together are the whole row: it need not be echoed
      changed jsonb,
      code text,
      message text
    );
  end if;
end
$$;

-- Reads the push. A mutation that is not well formed carries its code and message from here on:
--   22023 wrong shape   22P02 not a uuid     42P01 no such table   42703 no such column
--   42501 a column only the server writes    42701 set and inc of one column
--   21000 the second mutation of one row, or of one mid, in this push
create or replace function somatic_sync.read_push(push jsonb) returns somatic_sync.mutation[]
language sql stable
set search_path = ''
as $$
  with parsed as (
    select
      e.ord::integer as ord,
      e.m,
      case when e.m ->> 'mid' ~* x.uuid then (e.m ->> 'mid')::uuid end as mid,
      e.m ->> 'table' as tbl,
      case when e.m ->> 'id' ~* x.uuid then (e.m ->> 'id')::uuid end as id,
      case when jsonb_typeof(e.m -> 'base') = 'number' and e.m ->> 'base' ~ '^[0-9]{1,18}$'
           then (e.m ->> 'base')::bigint end as base,
      coalesce(e.m -> 'del' = 'true', false) as del,
      case jsonb_typeof(e.m -> 'set') when 'object' then e.m -> 'set' else '{}' end as sets,
      case jsonb_typeof(e.m -> 'inc') when 'object' then e.m -> 'inc' else '{}' end as inc,
      case jsonb_typeof(e.m -> 'clocks') when 'object' then e.m -> 'clocks' else '{}' end as clocks
    from jsonb_array_elements(push) with ordinality e (m, ord)
    cross join (
      select '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'::text as uuid
    ) x
  ),
  listed as (
    select p.*, w.key_column, w.columns,
           array(select jsonb_object_keys(p.sets)) as set_cols,
           array(select jsonb_object_keys(p.inc)) as inc_cols,
           case when p.id is null then 1
                else row_number() over (partition by p.tbl, p.id order by p.ord) end as row_turn,
           case when p.mid is null then 1
                else row_number() over (partition by p.mid order by p.ord) end as mid_turn
    from parsed p
    left join somatic_sync.writable_columns w on w.table_name = p.tbl
  ),
  checked as (
    select l.*,
      case
        when jsonb_typeof(l.m) <> 'object' then array['22023', 'a mutation is an object']
        when l.mid is null then array['22P02', 'mid is not a uuid']
        when l.id is null then array['22P02', 'id is not a uuid']
        when l.columns is null then array['42P01', format('there is no collection %L', l.tbl)]
        when l.row_turn > 1 then array['21000', 'a second mutation of the same row in one push']
        when l.mid_turn > 1 then array['21000', 'a second mutation with the same mid in one push']
        when l.base is null and coalesce(jsonb_typeof(l.m -> 'base'), 'null') <> 'null'
          then array['22023', 'base is neither a version nor null']
        when coalesce(jsonb_typeof(l.m -> 'del'), 'null') not in ('null', 'boolean')
          then array['22023', 'del is not a boolean']
        when coalesce(jsonb_typeof(l.m -> 'set'), 'null') not in ('null', 'object')
          or coalesce(jsonb_typeof(l.m -> 'inc'), 'null') not in ('null', 'object')
          or coalesce(jsonb_typeof(l.m -> 'clocks'), 'null') not in ('null', 'object')
          then array['22023', 'set, inc and clocks are objects']
        when l.del and (l.sets <> '{}' or l.inc <> '{}')
          then array['22023', 'a deletion sets nothing']
        when l.set_cols || l.inc_cols && array['id', 'user_id', 'version', 'updated_at', 'clocks']
          then array['42501', 'id, user_id, version, updated_at and clocks are not for clients to set']
        when not l.set_cols || l.inc_cols <@ l.columns
          then array['42703', (
            select format('column %I of %I does not exist', c, l.tbl)
            from unnest(l.set_cols || l.inc_cols) c where c <> all (l.columns) limit 1)]
        when l.set_cols && l.inc_cols then array['42701', 'a column is both set and incremented']
        when exists (
          select from jsonb_each(l.inc) i
          where jsonb_typeof(i.value) <> 'number' or i.value #>> '{}' !~ '^-?[0-9]{1,15}$')
          then array['22023', 'an increment is an integer']
        when exists (
          select from jsonb_each(l.clocks) c
          where jsonb_typeof(c.value) <> 'string'
             or c.value #>> '{}' !~ '^[0-9]{13}-[0-9a-f]{4}-[0-9a-f]{8}$')
          then array['22023', 'a clock is <13 digits>-<4 hex digits>-<8 hex digits>']
      end as problem
    from listed l
  )
  select coalesce(array_agg(row(
      c.ord, c.mid, c.tbl, c.id, c.id, c.base, c.del, c.sets, c.inc, c.clocks, true,
      c.set_cols, c.inc_cols,
      c.inc <> '{}' and not c.del and c.set_cols <@ array[c.key_column],
      null, null, c.problem[1], c.problem[2]
    )::somatic_sync.mutation order by c.ord), '{}')
  from checked c
$$;

-- The rows that mutations name by an identity instead of their id: (ord, id, version), the oldest
-- where there are twins.
create or replace function somatic_sync.rows_by_identity(
  owner uuid, muts somatic_sync.mutation[]
) returns table (ord integer, id uuid, version bigint)
language plpgsql
set search_path = ''
as $$
declare
  query text;
begin
  select string_agg(format(
    '(select m.ord, t.id, t.version, t.created_at
      from unnest($2) m
      join public.%1$I t on t.user_id = $1 and %2$s = m.sets -> %3$L ->> %4$L
      where m.tbl = %1$L and m.sets -> %3$L ->> %4$L <> '''')',
    c.table_name, somatic_sync.identity_at(p.place, 't.'), split_part(p.place, '.', 1),
    split_part(p.place, '.', 2)), ' union all ')
  into query
  from somatic_sync.collections c
  cross join unnest(c.identity) p (place)
  where exists (
    select from unnest(muts) m
    where m.tbl = c.table_name
      and m.sets -> split_part(p.place, '.', 1) ->> split_part(p.place, '.', 2) <> '');
  if query is not null then
    return query execute format(
      'select distinct on (f.ord) f.ord, f.id, f.version from (%s) f
       order by f.ord, f.created_at, f.id', query)
      using owner, muts;
  end if;
end
$$;

-- Which mutations of one push name the same new row: all but the first of them.
create or replace function somatic_sync.identity_repeats(muts somatic_sync.mutation[])
returns integer[]
language sql stable
set search_path = ''
as $$
  select coalesce(array_agg(r.ord), '{}')
  from (
    select m.ord, row_number() over (
      partition by m.tbl, p.place, m.sets -> split_part(p.place, '.', 1) ->> split_part(p.place, '.', 2)
      order by m.ord) as turn
    from unnest(muts) m
    join somatic_sync.collections c on c.table_name = m.tbl
    cross join unnest(c.identity) p (place)
    where m.sets -> split_part(p.place, '.', 1) ->> split_part(p.place, '.', 2) <> ''
  ) r
  where r.turn > 1
$$;

-- Decides what happens to each mutation, from the ledger, the stored rows (by id) and the
-- tombstones, and works out the clocks to store:
--   an insert keeps the clocks as pushed, '*' included; an update names each column it writes, since
--   its '*' must not speak for columns it does not write. A column without any clock gets the
--   server's; a clock more than 60 s ahead is cut to now + 60 s; one of a column that is not written
--   is left out.
create or replace function somatic_sync.classify(
  owner uuid, muts somatic_sync.mutation[], now_ms bigint
) returns somatic_sync.mutation[]
language plpgsql
set search_path = ''
as $$
declare
  stored_rows text;
  repeats integer[] := '{}';
  adopted integer[] := '{}';
  classified somatic_sync.mutation[];
begin
  if exists (select from unnest(muts) m
             join somatic_sync.collections c on c.table_name = m.tbl and c.identity <> '{}'
             where m.code is null and m.sets <> '{}') then
    repeats := somatic_sync.identity_repeats(muts);
    adopted := array(select r.ord from somatic_sync.rows_by_identity(owner, muts) r);
  end if;
  select string_agg(format(
    'select w.ord, t.version from w join public.%1$I t on t.user_id = $1 and t.id = w.id
     where w.tbl = %1$L', c.table_name), ' union all ')
  into stored_rows
  from somatic_sync.collections c
  where c.table_name in (select m.tbl from unnest(muts) m where m.code is null);

  execute format($sql$
    with w as (select * from unnest($2)),
    stored as (%s),
    judged as (
      select w.*,
        case
          when l.mid is not null then 'duplicate'
          when w.code is not null then 'rejected'
          when w.del then case when s.version is null then 'nothing'
                               when s.version = w.base then 'delete' else 'conflict' end
          when s.version = w.base then 'update'
          when s.version is not null then case when w.pure then 'increment' else 'conflict' end
          when w.ord = any ($5) then 'find'
          when w.base is null or w.base = d.version then 'insert'
          else 'find'
        end as verdict,
        l.row_id, l.version as ledger_version, s.version as row_version, d.version as gone_version
      from w
      left join somatic_sync.ledger l on l.user_id = $1 and l.mid = w.mid
      left join stored s on s.ord = w.ord
      left join somatic_sync.tombstones d
        on d.user_id = $1 and d.table_name = w.tbl and d.id = w.id
    )
    select array_agg(row(
        j.ord, j.mid, j.tbl, j.id,
        case j.verdict when 'duplicate' then j.row_id else j.id end,
        j.base, j.del, j.sets, j.inc, k.stored,
        not coalesce(k.altered, false)
          and (j.del or j.clocks - '*'::text - j.set_cols - j.inc_cols = '{}'),
        j.set_cols, j.inc_cols, j.pure, j.verdict,
        case j.verdict when 'duplicate' then j.ledger_version
                       when 'nothing' then coalesce(j.gone_version, 0)
                       else j.row_version end,
        j.code, j.message
      )::somatic_sync.mutation order by j.ord)
    from judged j
    left join lateral (
      select
        coalesce(jsonb_object_agg(c.key,
          case when left(c.clock, 13) collate "C" > $3
               then $3 || substr(c.clock, 14) else c.clock end), '{}') as stored,
        bool_or(c.added or left(c.clock, 13) collate "C" > $3) as altered
      from (
        select p.key, p.value as clock, false as added
        from jsonb_each_text(j.clocks) p
        where (p.key = '*' and j.verdict in ('insert', 'delete')) or p.key = any (j.set_cols)
           or p.key = any (j.inc_cols)
        union all
        select n.name, coalesce(j.clocks ->> '*', $4), not j.clocks ? '*'
        from unnest(j.set_cols || j.inc_cols) n (name)
        where not j.clocks ? n.name and not (j.verdict = 'insert' and j.clocks ? '*')
      ) c
      where j.verdict in ('update', 'increment', 'insert', 'find', 'delete')
    ) k on true
  $sql$, coalesce(stored_rows, 'select null::integer as ord, null::bigint as version where false'))
  into classified
  using owner, muts, lpad((now_ms + 60000)::text, 13, '0'),
        lpad(now_ms::text, 13, '0') || '-0000-00000000', repeats || adopted;
  return coalesce(classified, '{}');
end
$$;

-- Applies one group: the same table, operation and columns. One statement for all of it.
--   delete, update    the caller has checked, under the lock, that base is the stored version
--   increment         adds to whatever is stored
--   insert            'missed' where a row with the same natural key is in the way
--   find              'found' with the row of the same natural key or identity, else 'absent'
-- Of two clocks of a counter the newer stays.
-- Errors: whatever a constraint or a policy says; 40001 when a row changed under the lock.
create or replace function somatic_sync.apply(
  owner uuid, tbl text, op text, set_cols text[], inc_cols text[], muts somatic_sync.mutation[]
) returns somatic_sync.outcome[]
language plpgsql
set search_path = ''
as $$
declare
  -- Every column whose stored value is not what the writer expects, counters always. The writer
  -- expects the row it based its edit on (o.row; nothing for an insert), with what it set.
  changed constant text := $sql$ (
    select jsonb_object_agg(n.key, n.value)
    from jsonb_each(s.row - '{id,user_id,version,updated_at}'::text[]) n
    where n.key = any ($4)
       or case n.key
            when 'clocks' then not w.told or n.value <> coalesce(o.row -> 'clocks', '{}') || w.clocks
            else n.value is distinct from
              coalesce(w.sets -> n.key, o.row -> n.key, 'null') end
  ) $sql$;
  payload jsonb;
  key_column text;
  outcomes somatic_sync.outcome[];
begin
  if op = 'delete' then
    execute format('delete from public.%I t using unnest($2) w
      where t.user_id = $1 and t.id = w.id and t.version = w.base', tbl)
      using owner, muts;
    -- The trigger wrote the tombstones with the server's clock; the deletion happened on the device.
    update somatic_sync.tombstones t set clock = w.clocks ->> '*'
    from unnest(muts) w
    where t.user_id = owner and t.table_name = apply.tbl and t.id = w.id and w.clocks ? '*';
    select array_agg(row(w.ord, 'applied', w.tbl, w.id, t.version, true,
        case when not w.told then jsonb_build_object('clocks', w.clocks) end,
        null, null)::somatic_sync.outcome)
    into outcomes
    from unnest(muts) w
    join somatic_sync.tombstones t
      on t.user_id = owner and t.table_name = apply.tbl and t.id = w.id;
    if coalesce(cardinality(outcomes), 0) < cardinality(muts) then
      raise serialization_failure using message = 'a row changed while it was being deleted, or no policy lets its user delete it';
    end if;
    return outcomes;
  end if;

  -- The values of all rows in one JSON array, read back typed by the table itself.
  select jsonb_agg(w.sets || w.inc || jsonb_build_object('id', w.target, 'clocks', w.clocks))
  into payload
  from unnest(muts) w;

  if op = 'insert' then
    execute format($sql$
      with s as (
        insert into public.%1$I as t (user_id, id, clocks%2$s)
        select $1, r.id, r.clocks%3$s from jsonb_populate_recordset(null::public.%1$I, $3) r
        on conflict do nothing
        returning t.id, t.version, to_jsonb(t) as row
      )
      select array_agg(row(
          w.ord, case when s.id is null then 'missed' else 'applied' end, w.tbl, w.id, s.version,
          true, case when s.id is not null then %4$s end, null, null)::somatic_sync.outcome)
      from unnest($2) w
      left join s on s.id = w.id
      cross join (select null::jsonb as row) o
    $sql$, tbl,
      (select string_agg(format(', %I', c), '') from unnest(set_cols || inc_cols) c),
      (select string_agg(format(', r.%I', c), '') from unnest(set_cols || inc_cols) c),
      changed)
    into outcomes
    using owner, muts, payload, inc_cols;
  elsif op in ('update', 'increment') then
    execute format($sql$
      with r as (select * from jsonb_populate_recordset(null::public.%1$I, $3)),
      o as (
        select t.id, t.version, to_jsonb(t) as row
        from public.%1$I t
        where t.user_id = $1 and t.id in (select r.id from r)
      ),
      s as (
        update public.%1$I t set %2$s
        from r
        where t.user_id = $1 and t.id = r.id
        returning t.id, t.version, to_jsonb(t) as row
      )
      select array_agg(row(
          w.ord, 'applied', w.tbl, w.target, s.version, w.id = w.target and o.version = w.base,
          case when w.id = w.target then %3$s
               else jsonb_build_object('id', w.target) || %3$s end,
          null, null)::somatic_sync.outcome)
      from unnest($2) w
      join o on o.id = w.target
      join s on s.id = w.target
      where w.op <> 'update' or o.version = w.stored
    $sql$, tbl,
      (select string_agg(a, ', ') from (
        select format('%I = r.%I', c, c) from unnest(set_cols) c where op = 'update'
        union all
        select format('%I = coalesce(t.%I, 0) + r.%I', c, c, c) from unnest(inc_cols) c
        union all
        select case op when 'update' then
          'clocks = t.clocks || (r.clocks - array(
             select k from unnest($4) k
             where coalesce(t.clocks ->> k, t.clocks ->> ''*'', '''') collate "C" >= r.clocks ->> k
           ))' else
          'clocks = t.clocks || coalesce((
             select jsonb_object_agg(c.key, c.value) from jsonb_each_text(r.clocks) c
             where c.key = any ($4)
               and c.value collate "C" > coalesce(t.clocks ->> c.key, t.clocks ->> ''*'', '''')
           ), ''{}'')' end
      ) x (a)),
      changed)
    into outcomes
    using owner, muts, payload, inc_cols;
    if coalesce(cardinality(outcomes), 0) < cardinality(muts) then
      raise serialization_failure using message = 'a row changed while it was being written, or no policy lets its user update it';
    end if;
  elsif exists (select from somatic_sync.collections c
                where c.table_name = tbl and c.identity <> '{}') then
    select array_agg(row(
        w.ord, case when r.id is null then 'absent' else 'found' end, w.tbl,
        coalesce(r.id, w.id), r.version, false, null, null, null)::somatic_sync.outcome)
    into outcomes
    from unnest(muts) w
    left join somatic_sync.rows_by_identity(owner, muts) r on r.ord = w.ord;
  else
    select c.key_column into key_column from somatic_sync.collections c where c.table_name = tbl;
    execute format($sql$
      select array_agg(row(
          w.ord, case when t.id is null then 'absent' else 'found' end, w.tbl,
          coalesce(t.id, w.id), t.version, false, null, null, null)::somatic_sync.outcome)
      from unnest($2) w
      join jsonb_populate_recordset(null::public.%1$I, $3) r on r.id = w.target
      left join public.%1$I t on t.user_id = $1 and %2$s
    $sql$, tbl,
      case when key_column is null then 'false'
           when key_column = 'user_id' then 'true'
           else format('t.%1$I = r.%1$I', key_column) end)
    into outcomes
    using owner, muts, payload;
  end if;
  return outcomes;
end
$$;

-- Applies a group in a subtransaction. When that fails the group is halved, down to the rows that
-- fail by themselves: those are rejected with their reason. What is nobody's fault (deadlock,
-- serialization, no disk, shutdown, timeout) is not a reason: it fails the request, which is retried.
create or replace function somatic_sync.apply_or_split(
  owner uuid, tbl text, op text, set_cols text[], inc_cols text[], muts somatic_sync.mutation[]
) returns somatic_sync.outcome[]
language plpgsql
set search_path = ''
as $$
declare
  half integer := cardinality(muts) / 2;
  error_code text;
  error_message text;
begin
  begin
    return somatic_sync.apply(owner, tbl, op, set_cols, inc_cols, muts);
  exception when others then
    get stacked diagnostics error_code = returned_sqlstate, error_message = message_text;
    if left(error_code, 2) in ('08', '25', '40', '53', '55', '57', '58', 'XX') then
      raise;
    end if;
  end;
  if half = 0 then
    return array[row(muts[1].ord, 'rejected', tbl, muts[1].id, null, false, null,
      error_code, error_message)::somatic_sync.outcome];
  end if;
  return somatic_sync.apply_or_split(owner, tbl, op, set_cols, inc_cols, muts[:half])
      || somatic_sync.apply_or_split(owner, tbl, op, set_cols, inc_cols, muts[half + 1:]);
end
$$;

-- Applies classified mutations, group by group, and resolves what the inserts met. Deletions come
-- first, so that a natural key is free for an insert of the same push.
create or replace function somatic_sync.apply_all(owner uuid, muts somatic_sync.mutation[])
returns somatic_sync.outcome[]
language plpgsql
set search_path = ''
as $$
declare
  work record;
  found somatic_sync.outcome[] := '{}';
  outcomes somatic_sync.outcome[] := '{}';
begin
  for work in
    select m.tbl, m.op, m.set_cols, m.inc_cols, array_agg(m order by m.ord) as muts
    from unnest(muts) m
    where m.op in ('delete', 'update', 'increment', 'insert')
    group by m.tbl, m.op, m.set_cols, m.inc_cols
    order by array_position('{delete,update,increment,insert}', m.op), m.tbl, min(m.ord)
  loop
    outcomes := outcomes || somatic_sync.apply_or_split(
      owner, work.tbl, work.op, work.set_cols, work.inc_cols, work.muts);
  end loop;

  -- Rows that may be stored under another id: by natural key.
  for work in
    select m.tbl, array_agg(m order by m.ord) as muts
    from unnest(muts) m
    where m.op = 'find'
       or m.ord in (select o.ord from unnest(outcomes) o where o.status = 'missed')
    group by m.tbl
    order by m.tbl
  loop
    found := found || somatic_sync.apply_or_split(
      owner, work.tbl, 'find', null, null, work.muts);
  end loop;
  if found = '{}' then
    return outcomes;
  end if;

  select array_agg(o) into outcomes from unnest(outcomes) o where o.status <> 'missed';
  select coalesce(outcomes, '{}') || coalesce(array_agg(row(
      f.ord,
      case when f.status = 'rejected' or (f.status = 'absent' and m.op = 'insert')
           then 'rejected' else 'conflict' end,
      f.tbl, f.id, f.version, false, null,
      coalesce(f.code, case when m.op = 'insert' then '23505' end),
      coalesce(f.message, case when m.op = 'insert' then 'a unique constraint is in the way' end)
    )::somatic_sync.outcome), '{}')
  into outcomes
  from unnest(found) f
  join unnest(muts) m on m.ord = f.ord
  where f.status <> 'found' or not m.pure;

  -- Increments that found their row. Two of one row cannot share an UPDATE: they take turns.
  for work in
    select t.tbl, t.inc_cols, t.turn, array_agg(t.m order by t.ord) as muts
    from (
      select m.tbl, m.inc_cols, m.ord,
             row_number() over (partition by m.tbl, f.id order by m.ord) as turn,
             row(m.ord, m.mid, m.tbl, m.id, f.id, m.base, false, '{}', m.inc, m.clocks, m.told,
                 '{}', m.inc_cols, true, 'increment', f.version, null, null
             )::somatic_sync.mutation as m
      from unnest(found) f
      join unnest(muts) m on m.ord = f.ord
      where f.status = 'found' and m.pure
    ) t
    group by t.tbl, t.inc_cols, t.turn
    order by t.turn, t.tbl, t.inc_cols
  loop
    outcomes := outcomes || somatic_sync.apply_or_split(
      owner, work.tbl, 'increment', '{}', work.inc_cols, work.muts);
  end loop;
  return outcomes;
end
$$;
