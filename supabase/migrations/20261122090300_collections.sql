-- Makes a table take part in sync. Adding a collection is creating its table (user_id, id and its own
-- columns) and ONE call of add_collection: everything else reads the catalogue.

-- Prepares public.<name>, with rows or without (the upgrade, one migration back), attaches triggers,
-- the pull index, policies and grants, and lists it.
--   key_column: the column that names a row for its user; 'user_id' where a user has one row; null
--   where only the id does. It must be unique together with user_id.
--   identity: places in JSON columns, as 'metadata.messageId', that name a row as well: of two rows
--   that clients make with one such text the second is answered as a conflict with the first. No
--   constraint: a direct insert of a twin is taken, and collapsed later.
-- Calling it again changes nothing.
create or replace function somatic_sync.add_collection(
  name text, key_column text, identity text[] default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
declare
  event text;
  place text;
begin
  perform somatic_sync.prepare_table(name, keep_id => key_column is null);
  if key_column is not null then
    perform somatic_sync.enforce_key(name, key_column);
  end if;

  execute format(
    'create index if not exists %I on public.%I (user_id, version)', name || '_version_idx', name);

  foreach place in array identity loop
    perform somatic_sync.collapse_twins(name, somatic_sync.identity_at(place), null);
    execute format(
      'create index if not exists %1$I on public.%2$I (user_id, (%3$s)) where %3$s is not null',
      name || '_' || lower(split_part(place, '.', 2)) || '_idx', name,
      somatic_sync.identity_at(place));
  end loop;

  execute format(
    'create or replace trigger sync_1_lock before insert or update or delete on public.%I
       for each statement execute function somatic_sync.lock_caller()', name);
  execute format(
    'create or replace trigger sync_3_stamp before insert or update on public.%I
       for each row execute function somatic_sync.stamp()', name);
  foreach event in array array['insert', 'update', 'delete'] loop
    execute format(
      'create or replace trigger %I after %s on public.%I
         referencing %s table as changed_rows
         for each statement execute function somatic_sync.after_change()',
      'sync_4_after_' || event, event, name, case event when 'delete' then 'old' else 'new' end);
  end loop;

  execute format('alter table public.%I enable row level security', name);
  foreach event in array array['select', 'insert', 'update', 'delete'] loop
    execute format('drop policy if exists %I on public.%I', 'own rows: ' || event, name);
    execute format(
      'create policy %I on public.%I for %s to authenticated %s %s',
      'own rows: ' || event, name, event,
      case when event <> 'insert' then 'using (user_id = (select auth.uid()))' end,
      case when event in ('insert', 'update')
           then 'with check (user_id = (select auth.uid()))' end);
  end loop;
  execute format('revoke all on public.%I from public, anon, authenticated, service_role', name);
  execute format(
    'grant select, insert, update, delete on public.%I to authenticated, service_role', name);

  insert into somatic_sync.collections as c (table_name, key_column, identity)
  values (name, add_collection.key_column, add_collection.identity)
  on conflict (table_name) do update
    set key_column = excluded.key_column, identity = excluded.identity;
end
$$;
revoke all on function somatic_sync.add_collection(text, text, text[]) from public, anon, authenticated;

-- A streak from before completed_days is days, too.
do $$
begin
  if exists (select from public.user_progress p
             where p.completed_days is null
               and somatic_sync.streak_days(p.compliance_streak, p.last_completed_date) <> '[]') then
    alter table public.user_progress alter column completed_days type jsonb
      using coalesce(completed_days, nullif(
        somatic_sync.streak_days(compliance_streak, last_completed_date), '[]'));
  end if;
end
$$;

select somatic_sync.add_collection('user_progress', 'user_id');
select somatic_sync.add_collection('achievements', 'achievement_id');
select somatic_sync.add_collection('sovereign_path_data', 'user_id');
select somatic_sync.add_collection('sovereign_logs', null,
  '{metadata.messageId,metadata.journalId,metadata.entryId,metadata.feedbackId}');
select somatic_sync.add_collection('cosmic_data_cache', 'date');
select somatic_sync.add_collection('astrology_data_cache', 'user_id');
select somatic_sync.add_collection('daily_attunements', 'date');
select somatic_sync.add_collection('health_metrics_history', 'date');

create or replace trigger sync_2_derive before insert or update on public.user_progress
  for each row execute function somatic_sync.derive_streak();
create or replace trigger sync_2_keep before update on public.achievements
  for each row execute function somatic_sync.keep_unlocked();
