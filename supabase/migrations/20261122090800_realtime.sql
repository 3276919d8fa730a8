-- Who may listen to the pokes that after_change() sends: everyone to his own private topic, nobody
-- may send (there is no INSERT policy). Left out where the project has no realtime.

do $$
begin
  if to_regclass('realtime.messages') is null
     or to_regprocedure('realtime.topic()') is null then
    raise notice 'realtime is not installed: its policy is left out';
    return;
  end if;
  execute 'drop policy if exists "somatic-sync: own topic" on realtime.messages';
  execute $sql$
    create policy "somatic-sync: own topic" on realtime.messages
      for select to authenticated
      using ((select realtime.topic()) = 'sync:' || (select auth.uid()))
  $sql$;
end
$$;
