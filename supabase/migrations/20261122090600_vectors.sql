-- vector_embeddings and match_embeddings. Both need pgvector; where it is not available this
-- migration says so and does nothing, and sync() then does not know the table. Run it again later.
-- No ANN index: an exact scan of one user's vectors is fast, and an index filtered by owner misses
-- rows.

do $migration$
declare
  home text;
begin
  if not exists (select from pg_available_extensions where name = 'vector') then
    raise notice 'pgvector is not available: vector_embeddings and match_embeddings are left out';
    return;
  end if;
  if not exists (select from pg_extension where extname = 'vector') then
    execute 'create extension vector with schema '
      || case when to_regnamespace('extensions') is null then 'public' else 'extensions' end;
  end if;
  select e.extnamespace::regnamespace::text into home
  from pg_extension e where e.extname = 'vector';

  -- embedding: 384 dimensions as of BAAI/bge-small-en-v1.5
  execute format($sql$
    create table if not exists public.vector_embeddings (
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
      id uuid not null default gen_random_uuid(),
      content text not null,
      embedding %s.vector(384),
      metadata jsonb not null,
      created_at timestamptz default now(),
      updated_at timestamptz default now(),
      version bigint not null,
      clocks jsonb not null default '{}',
      primary key (user_id, id)
    )$sql$, home);
  create index if not exists idx_embeddings_user_id on public.vector_embeddings (user_id);
  create index if not exists idx_embeddings_metadata
    on public.vector_embeddings using gin (metadata jsonb_path_ops);
  perform somatic_sync.add_collection('vector_embeddings', null);

  -- match_embeddings(query_embedding, match_user_id, match_threshold, match_count[, match_model])
  --   -> id, content, metadata, similarity
  -- The rows whose cosine similarity is strictly above the threshold, best first, ties by id, at most
  -- match_count (1 to 1000) of them; of one model where match_model says which (metadata.model).
  -- Runs as the caller: of another user's rows it finds none. The distance to a zero vector is NaN,
  -- which Postgres sorts above every number: left out by name.
  execute format('drop function if exists public.match_embeddings(%s.vector, uuid, float, integer)',
    home);
  execute format($sql$
    create or replace function public.match_embeddings(
      query_embedding %1$s.vector(384),
      match_user_id uuid,
      match_threshold float,
      match_count integer,
      match_model text default null
    )
    returns table (id uuid, content text, metadata jsonb, similarity float)
    language sql stable security invoker
    set search_path = ''
    as $body$
      select s.id, s.content, s.metadata, 1 - s.distance
      from (
        select v.id, v.content, v.metadata,
               v.embedding operator(%1$s.<=>) query_embedding as distance
        from public.vector_embeddings v
        where v.user_id = match_user_id
          and (match_model is null or v.metadata ->> 'model' = match_model)
      ) s
      where s.distance <> 'NaN' and 1 - s.distance > match_threshold
      order by s.distance, s.id
      limit greatest(1, least(coalesce(match_count, 10), 1000))
    $body$$sql$, home);
  execute format(
    'revoke all on function public.match_embeddings(%1$s.vector, uuid, float, integer, text)
       from public, anon, authenticated', home);
  execute format(
    'grant execute on function public.match_embeddings(%1$s.vector, uuid, float, integer, text)
       to authenticated, service_role', home);
end
$migration$;
