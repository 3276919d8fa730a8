-- The tables of the app that need nothing but plain Postgres (vector_embeddings has a migration of
-- its own). Names and columns are the app's; what makes them syncable (version, clocks, triggers,
-- policies, grants) is attached by somatic_sync.add_collection, four migrations further on.
--
-- Of a project that has these tables already, this migration touches nothing but missing columns of
-- the app; the rest of the upgrade is add_collection's, too.
--
-- The primary key is (user_id, id): ids are made on the device, and a global one would let one user
-- occupy the id of another. user_id defaults to the caller, so that a direct insert may leave it out.

create table if not exists public.sovereign_logs (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  category text not null,
  content text not null,
  metadata jsonb,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id)
);
create index if not exists idx_sovereign_logs_user_id on public.sovereign_logs (user_id);
create index if not exists idx_sovereign_logs_category on public.sovereign_logs (category);
create index if not exists idx_sovereign_logs_created_at on public.sovereign_logs (created_at desc);

-- completed_days: the inclusive ranges of days with a completed routine, sorted, disjoint, adjacent
-- ones merged: [["2026-11-01","2026-11-05"], ...]. compliance_streak and last_completed_date are
-- derived from it (somatic_sync.derive_streak).
create table if not exists public.user_progress (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  compliance_streak integer default 0,
  last_completed_date date,
  total_completions integer default 0,
  completed_days jsonb,
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint user_progress_user_id_key unique (user_id)
);
alter table public.user_progress add column if not exists completed_days jsonb;
create index if not exists idx_user_progress_user_id on public.user_progress (user_id);

create table if not exists public.achievements (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  achievement_id text not null,
  unlocked boolean default false,
  unlocked_date timestamptz,
  progress integer default 0,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint achievements_user_id_achievement_id_key unique (user_id, achievement_id)
);
create index if not exists idx_achievements_user_id on public.achievements (user_id);
create index if not exists idx_achievements_unlocked on public.achievements (user_id, unlocked);

create table if not exists public.sovereign_path_data (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  human_design_chart jsonb,
  birth_data jsonb,
  oejts_answers jsonb,
  oejts_results jsonb,
  archetype_analysis jsonb,
  last_archetype_update timestamptz,
  katas jsonb,
  health_metrics jsonb,
  patterns jsonb,
  last_sync_date timestamptz default now(),
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint sovereign_path_data_user_id_key unique (user_id)
);
alter table public.sovereign_path_data add column if not exists patterns jsonb;
create index if not exists idx_sovereign_path_user_id on public.sovereign_path_data (user_id);

-- fresh: what each cached column was loaded for, and when: {"transits": {"at": <ms since 1970>,
-- "inputs": <text>, "sum": <text>}, ...}. Written and read by clients only (docs/caches.md).
create table if not exists public.cosmic_data_cache (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  date date not null,
  location jsonb,
  astronomy jsonb,
  cached_at timestamptz default now(),
  fresh jsonb,
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint cosmic_data_cache_user_id_date_key unique (user_id, date)
);
alter table public.cosmic_data_cache add column if not exists fresh jsonb;
create index if not exists idx_cosmic_cache_user_date
  on public.cosmic_data_cache (user_id, date desc);

create table if not exists public.astrology_data_cache (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  birth_data jsonb,
  natal_chart jsonb,
  transits jsonb,
  personal_trading jsonb,
  cached_at timestamptz default now(),
  fresh jsonb,
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint astrology_data_cache_user_id_key unique (user_id)
);
alter table public.astrology_data_cache add column if not exists fresh jsonb;
create index if not exists idx_astrology_cache_user_id on public.astrology_data_cache (user_id);

create table if not exists public.daily_attunements (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  date date not null,
  insightful_question text not null,
  synthesized_answer text not null,
  based_on jsonb,
  generated_at timestamptz default now(),
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint daily_attunements_user_id_date_key unique (user_id, date)
);
create index if not exists idx_attunements_user_date
  on public.daily_attunements (user_id, date desc);

create table if not exists public.health_metrics_history (
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  date date not null,
  steps integer,
  sleep_hours numeric(4, 2),
  walking_asymmetry numeric(5, 2),
  synced_at timestamptz default now(),
  updated_at timestamptz default now(),
  version bigint not null,
  clocks jsonb not null default '{}',
  primary key (user_id, id),
  constraint health_metrics_history_user_id_date_key unique (user_id, date)
);
create index if not exists idx_health_metrics_user_date
  on public.health_metrics_history (user_id, date desc);
