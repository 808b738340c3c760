import { afterEach, describe, expect, test, vi } from 'vitest';

vi.stubGlobal('location', { origin: 'https://here.example', pathname: '/app', search: '' });
const { ApiError, get, getBytes, path, post, reachable, reauthenticate, remove, resource, session, signIn, whoAmI } = await import('../src/api/client');
const { signInWithCode } = await import('../src/api/two_factor');

interface Sent {
  path: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
}
let sent: Sent[] = [];
function server(answer: (request: Sent) => Response | Promise<Response>) {
  sent = [];
  vi.stubGlobal('fetch', async (target: string, init: RequestInit) => {
    const request = { path: target, method: init.method ?? '', headers: init.headers as Record<string, string>, body: init.body };
    sent.push(request);
    return answer(request);
  });
}
const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => new Response(body === null ? null : JSON.stringify(body), { status, headers });

afterEach(() => {
  session.value = undefined;
  reachable.value = true;
});

describe('requests', () => {
  test('that change something carry the token against forgery; reading does not', async () => {
    session.value = { username: 'ana', 'csrf-token': 'tok' };
    server(() => answer(200, { data: 1 }));
    await get('/x');
    await post('/x', { a: 1 });
    await remove('/x');
    expect(sent.map((one) => one.headers['X-CSRF-Token'])).toEqual([undefined, 'tok', 'tok']);
    expect(sent[1]?.body).toBe('{"a":1}');
  });
  test('an error is its sentence, its code, its meta and its request', async () => {
    server(() => answer(422, { errors: [{ status: '422', title: 'no', detail: 'AWS refused', code: 'invalid_code', meta: { 'next-code-in': 12 } }] }, { 'X-Request-Id': 'req-9' }));
    const error = await post('/x').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, message: 'AWS refused', code: 'invalid_code', meta: { 'next-code-in': 12 }, requestId: 'req-9' });
  });
  test('an answer that is no document is still an error with a sentence', async () => {
    server(() => new Response('<html>bad gateway', { status: 502 }));
    expect(await get('/x').catch((cause: unknown) => cause)).toMatchObject({ status: 502, message: 'the server answered 502' });
  });
  test('no answer is told apart from a refusal', async () => {
    server(() => Promise.reject(new TypeError('failed')));
    expect(await get('/x').catch((cause: unknown) => cause)).toMatchObject({ status: 0 });
    expect(reachable.value).toBe(false);
    server(() => answer(200, {}));
    await get('/x');
    expect(reachable.value).toBe(true);
  });
  test('addresses that the server signs are read from where the page came from', async () => {
    server(() => new Response(new Uint8Array([1, 2])));
    expect(await getBytes('https://elsewhere.example:8443/api/v2/signed/log/x/1/h', { offset: 5, limit: 9 })).toEqual(new Uint8Array([1, 2]));
    expect(sent[0]?.path).toBe('/api/v2/signed/log/x/1/h?offset=5&limit=9');
  });
  test('names go into addresses encoded', () => {
    expect(path`/a/${'x/../y?z'}/b`).toBe('/a/x%2F..%2Fy%3Fz/b');
    expect(resource('runs', { message: 'x' }, { workspace: { type: 'workspaces', id: 'w' } })).toEqual({ data: { type: 'runs', attributes: { message: 'x' }, relationships: { workspace: { data: { type: 'workspaces', id: 'w' } } } } });
  });
});

describe('the session', () => {
  test('ends on the page when the server no longer knows it', async () => {
    session.value = { username: 'ana', 'csrf-token': 'tok' };
    server(() => answer(401, { errors: [] }));
    await get('/x').catch(() => undefined);
    expect(session.value).toBe(null);
  });
  test('a wrong password says so and leaves nobody signed in', async () => {
    session.value = null;
    server(() => answer(401, { errors: [{ detail: 'the user name or the password is wrong', code: 'sign_in_refused' }] }));
    expect(await signIn('ana', 'x').catch((cause: unknown) => cause)).toMatchObject({ status: 401, code: 'sign_in_refused' });
    expect(session.value).toBe(null);
    expect(sent[0]?.body).toBe('{"username":"ana","password":"x"}');
  });
  test('a password that is not all gives a ticket, and a code with it the session', async () => {
    session.value = null;
    server(() => answer(202, { needs: 'two-factor-code', ticket: 'tgt.x' }));
    expect(await signIn('ana', 'x')).toBe('tgt.x');
    expect(session.value).toBe(null);
    server(() => answer(200, { username: 'ana', 'csrf-token': 'new' }));
    await signInWithCode('tgt.x', '000004');
    expect(session.value).toMatchObject({ username: 'ana' });
    expect(sent.at(-1)?.body).toBe('{"ticket":"tgt.x","code":"000004"}');
  });
  test('a server that cannot be reached is not a signed-out session', async () => {
    server(() => Promise.reject(new TypeError('failed')));
    await expect(whoAmI()).rejects.toMatchObject({ status: 0 });
    expect(session.value).toBe(undefined);
    server(() => answer(401, {}));
    await whoAmI();
    expect(session.value).toBe(null);
  });
  test('typing the password again takes the new token over', async () => {
    session.value = { username: 'ana', 'csrf-token': 'old' };
    server(() => answer(200, { username: 'ana', 'csrf-token': 'new' }));
    await reauthenticate('pw');
    expect(session.value?.['csrf-token']).toBe('new');
  });
});
