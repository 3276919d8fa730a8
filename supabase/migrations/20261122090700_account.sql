-- Leaving: what an account owns goes, from every collection and from the books of sync.

-- The caller's note that some of his rows may be twins: he could see it nowhere else.
create or replace function somatic_sync.forget_twins() returns void
language sql security definer
set search_path = ''
as $$
  delete from somatic_sync.twins where user_id = auth.uid()
$$;
revoke all on function somatic_sync.forget_twins() from public, anon, authenticated;
grant execute on function somatic_sync.forget_twins() to authenticated, service_role;

-- delete_account(): removes all rows of the caller in every collection, and his tombstones, ledger,
-- devices, failures and what was set aside. auth.users is not touched (deleting that row cascades to the same).
-- What stays is one number, the horizon: other devices of the account that still hold its data are
-- told to start again (resync 'horizon') and drop it, where they would otherwise take the empty
-- server for a restored one and push everything back.
-- Errors: 42501 not signed in.
create or replace function public.delete_account() returns void
language plpgsql security invoker
set search_path = ''
as $$
declare
  owner uuid := auth.uid();
  name text;
begin
  if owner is null then
    raise insufficient_privilege using message = 'not signed in';
  end if;
  perform somatic_sync.lock_user(owner);
  perform set_config('somatic_sync.deleting', 'on', true);
  for name in select c.table_name from somatic_sync.collections c order by 1 loop
    execute format('delete from public.%I where user_id = $1', name) using owner;
  end loop;
  perform set_config('somatic_sync.deleting', 'off', true);
  delete from somatic_sync.tombstones where user_id = owner;
  delete from somatic_sync.ledger where user_id = owner;
  delete from somatic_sync.devices where user_id = owner;
  delete from somatic_sync.failures where user_id = owner;
  delete from somatic_sync.set_aside where user_id = owner;
  perform somatic_sync.forget_twins();
  insert into somatic_sync.horizons (user_id, version)
  values (owner, nextval('somatic_sync.versions'))
  on conflict (user_id) do update set version = excluded.version;
end
$$;
revoke all on function public.delete_account() from public, anon, authenticated;
grant execute on function public.delete_account() to authenticated, service_role;
