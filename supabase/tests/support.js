// What the server tests share: the migrations as text, a minimal Supabase around an empty database
// (roles, schema auth), a PGlite database with all of it, and small builders for requests.

import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'

const migrationsUrl = new URL('../migrations/', import.meta.url)

/** @returns {{ name: string, sql: string }[]} every migration, in order */
export function readMigrations() {
  return readdirSync(migrationsUrl)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(name, migrationsUrl), 'utf8') }))
}

/** What a Supabase project has before any migration, as far as the migrations rely on it. */
export const supabaseSql = `
  create role anon nologin;
  create role authenticated nologin;
  create role service_role nologin bypassrls;
  grant usage on schema public to anon, authenticated, service_role;
  -- As on projects of before: new tables and functions belong to everyone until revoked.
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public
    grant all on functions to anon, authenticated, service_role;
  create schema auth;
  grant usage on schema auth to anon, authenticated, service_role;
  create table auth.users (id uuid primary key, email text);
  create function auth.uid() returns uuid language sql stable as $$
    select nullif(coalesce(
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', ''), '')::uuid
  $$;
`
