// Requests to the server that this page came from: documents in and out, errors with a sentence for people, and who is
// signed in. The cookie travels by itself; what changes something also carries the session's token against forgery.

import { signal } from '@preact/signals';
import type { Document, Resource, Session } from './types';

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer came
    message: string,
    readonly code: string = '',
    readonly meta: Record<string, unknown> = {},
    readonly requestId: string = '',
  ) {
    super(message);
  }
}

// undefined: not known yet; null: nobody.
export const session = signal<Session | null | undefined>(undefined);
// Whether the last request got an answer.
export const reachable = signal(true);

const jsonApi = 'application/vnd.api+json';

interface ErrorBody {
  errors?: { detail?: string; title?: string; code?: string; meta?: Record<string, unknown> }[];
}

async function errorOf(response: Response): Promise<ApiError> {
  const id = response.headers.get('X-Request-Id') ?? '';
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // A proxy in front may answer with anything.
  }
  const first = body.errors?.[0];
  const sentence = first?.detail || first?.title || `the server answered ${response.status}`;
  return new ApiError(response.status, sentence, first?.code ?? '', first?.meta ?? {}, id);
}

async function send(method: string, path: string, body: BodyInit | null, type: string, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: jsonApi };
  if (body !== null) headers['Content-Type'] = type;
  const csrf = session.value?.['csrf-token'];
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body, credentials: 'same-origin', cache: 'no-store', signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    reachable.value = false;
    throw new ApiError(0, 'The server cannot be reached.');
  }
  reachable.value = true;
  if (response.status === 401 && session.value && !path.startsWith('/api/web/v1/session')) session.value = null;
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function json<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return json<T>(await send('GET', path, null, '', signal));
}

// The bytes of a signed address of this server, whatever name it has for itself.
export async function getBytes(address: string, query: Record<string, number>, signal?: AbortSignal): Promise<Uint8Array> {
  const url = new URL(address, location.origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  const response = await send('GET', url.pathname + url.search, null, '', signal);
  return new Uint8Array(await response.arrayBuffer());
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return json<T>(await send('POST', path, JSON.stringify(body ?? {}), jsonApi));
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  return json<T>(await send('PATCH', path, JSON.stringify(body), jsonApi));
}

export async function remove(path: string): Promise<void> {
  await send('DELETE', path, null, '');
}

export async function putBytes(address: string, bytes: Blob): Promise<void> {
  const url = new URL(address, location.origin);
  await send('PUT', url.pathname + url.search, bytes, 'application/octet-stream');
}

// A resource's document to send.
export function resource(type: string, attributes: object, relationships?: Record<string, { type: string; id: string }>): unknown {
  const related = relationships && Object.fromEntries(Object.entries(relationships).map(([name, data]) => [name, { data }]));
  return { data: { type, attributes, ...(related ? { relationships: related } : {}) } };
}

export function included<A>(document: Document<unknown>, type: string, id: string | undefined): Resource<A> | undefined {
  return document.included?.find((entry) => entry.type === type && entry.id === id) as Resource<A> | undefined;
}

export const path = (strings: TemplateStringsArray, ...values: string[]): string =>
  strings.reduce((text, part, index) => text + part + (index < values.length ? encodeURIComponent(values[index] ?? '') : ''), '');

// ---- who is signed in

const sessionPath = '/api/web/v1/session';

export async function whoAmI(): Promise<void> {
  try {
    session.value = await get<Session>(sessionPath);
  } catch (error) {
    if (error instanceof ApiError && error.status === 0) throw error;
    session.value = null;
  }
}

// The ticket that a code goes with, where the account has two-factor authentication.
export async function signIn(username: string, password: string): Promise<string | null> {
  const answer = await post<Session | { ticket: string }>(sessionPath, { username, password });
  if ('ticket' in answer) return answer.ticket;
  session.value = answer;
  return null;
}

export async function signOut(): Promise<void> {
  await remove(sessionPath);
  session.value = null;
}

export async function reauthenticate(password: string): Promise<void> {
  const renewed = await post<Session | undefined>(`${sessionPath}/reauthenticate`, { password });
  if (renewed?.['csrf-token']) session.value = renewed;
  else await whoAmI();
}
