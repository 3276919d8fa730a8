// A project that has been in use without sync: the nine tables of the app's design document as a
// careful person would have repaired them (it does not run as written), with what such a project
// has besides: an updated_at trigger, a table that refers to logs, a view, a column of its own.

/**
 * @param {{ vectors: boolean }} options  vectors: pgvector is there
 */
export const existingProjectSql = ({ vectors }) => `
  create table public.sovereign_logs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    category text not null,
    content text not null,
    metadata jsonb,
    source text default 'web',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
  );
  create index idx_sovereign_logs_user_id on public.sovereign_logs (user_id);
  create index idx_sovereign_logs_category on public.sovereign_logs (category);
  create index idx_sovereign_logs_created_at on public.sovereign_logs (created_at desc);

  create table public.user_progress (
    id uuid primary key default gen_random_uuid(),
    user_id uuid unique references auth.users (id) on delete cascade,
    compliance_streak integer default 0,
    last_completed_date date,
    total_completions integer default 0,
    updated_at timestamptz default now()
  );
  create table public.achievements (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    achievement_id text not null,
    unlocked boolean default false,
    unlocked_date timestamptz,
    progress integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (user_id, achievement_id)
  );
  create table public.sovereign_path_data (
    id uuid primary key default gen_random_uuid(),
    user_id uuid unique references auth.users (id) on delete cascade,
    human_design_chart jsonb,
    birth_data jsonb,
    oejts_answers jsonb,
    oejts_results jsonb,
    archetype_analysis jsonb,
    last_archetype_update timestamptz,
    katas jsonb,
    health_metrics jsonb,
    last_sync_date timestamptz default now(),
    created_at timestamptz default now(),
    updated_at timestamptz default now()
  );
  create table public.cosmic_data_cache (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    date date not null,
    location jsonb,
    astronomy jsonb,
    cached_at timestamptz default now(),
    unique (user_id, date)
  );
  create table public.astrology_data_cache (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    birth_data jsonb,
    natal_chart jsonb,
    transits jsonb,
    personal_trading jsonb,
    cached_at timestamptz default now()
  );
  create table public.daily_attunements (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    date date not null,
    insightful_question text not null,
    synthesized_answer text not null,
    based_on jsonb,
    generated_at timestamptz default now(),
    unique (user_id, date)
  );
  create table public.health_metrics_history (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    date date not null,
    steps integer,
    sleep_hours decimal(4, 2),
    walking_asymmetry decimal(5, 2),
    synced_at timestamptz default now(),
    unique (user_id, date)
  );
  ${vectors ? vectorSql : ''}

  -- What the project has of its own.
  create function public.touch() returns trigger language plpgsql as $$
    begin new.updated_at := now(); return new; end $$;
  create trigger touch before update on public.sovereign_logs
    for each row execute function public.touch();
  create table public.log_tags (
    log_id uuid not null references public.sovereign_logs (id) on delete cascade,
    tag text not null,
    unique (log_id, tag)
  );
  create table public.achievement_shares (
    achievement uuid primary key references public.achievements (id),
    link text
  );
  create view public.chat_messages as
    select id, content, created_at from public.sovereign_logs where category = 'chat';
  grant all on public.log_tags, public.achievement_shares to authenticated, service_role;
  grant select, insert, update on public.sovereign_logs, public.user_progress, public.achievements,
    public.sovereign_path_data, public.cosmic_data_cache, public.astrology_data_cache,
    public.daily_attunements, public.health_metrics_history to authenticated;

  do $do$
  declare
    policy text[];
  begin
    foreach policy slice 1 in array array[
      array['sovereign_logs', 'logs'], array['user_progress', 'progress'],
      array['achievements', 'achievements'], array['sovereign_path_data', 'path data'],
      array['cosmic_data_cache', 'cosmic cache'], array['astrology_data_cache', 'astrology cache'],
      array['daily_attunements', 'attunements'], array['health_metrics_history', 'health metrics']
      ${vectors ? ", array['vector_embeddings', 'embeddings']" : ''}
    ] loop
      execute format('alter table public.%I enable row level security', policy[1]);
      execute format('create policy %I on public.%I for select using (auth.uid() = user_id)',
        'Users can view their own ' || policy[2], policy[1]);
      execute format('create policy %I on public.%I for insert with check (auth.uid() = user_id)',
        'Users can insert their own ' || policy[2], policy[1]);
      execute format('create policy %I on public.%I for update using (auth.uid() = user_id)',
        'Users can update their own ' || policy[2], policy[1]);
    end loop;
  end
  $do$;
  create policy "Support reads flagged logs" on public.sovereign_logs
    for select to service_role using (true);
`

const vectorSql = `
  create schema if not exists extensions;
  create extension if not exists vector with schema extensions;
  grant usage on schema extensions to authenticated, service_role;
  create table public.vector_embeddings (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    content text not null,
    embedding extensions.vector(384),
    metadata jsonb,
    created_at timestamptz default now()
  );
  grant select, insert, update on public.vector_embeddings to authenticated;
  create function public.match_embeddings(
    query_embedding extensions.vector(384), match_user_id uuid, match_threshold float, match_count int
  ) returns table (id uuid, content text, metadata jsonb, similarity float)
  language sql as $$
    select v.id, v.content, v.metadata, 1 - (v.embedding operator(extensions.<=>) query_embedding)
    from public.vector_embeddings v where v.user_id = match_user_id
      and 1 - (v.embedding operator(extensions.<=>) query_embedding) > match_threshold
    order by v.embedding operator(extensions.<=>) query_embedding limit match_count
  $$;
`
