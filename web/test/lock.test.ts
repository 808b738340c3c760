import { describe, expect, test } from 'vitest';
import type { Mfa } from '../src/api/types';
import { deviceName, lockCard, readCode } from '../src/model/lock';

const now = Date.parse('2026-03-04T12:10:00Z');
const local = { sending: false, status: 'planned', canApply: true, viewer: 'ana', startedBy: 'ana' };

function mfa(more: Partial<Mfa> = {}): Mfa {
  return {
    level: 'applies-only', phase: 'apply', state: 'waiting', 'gate-id': 'gate-1', since: '2026-03-04T12:00:00Z', deadline: '2026-03-05T12:00:00Z', by: null,
    refusal: null, 'tries-left': 5, 'next-code-in': null, identity: { kind: 'organization', owner: null, account: '111122223333', arn: 'arn:aws:iam::111122223333:user/ci' },
    you: { can: true, serial: 'arn:aws:iam::111122223333:mfa/ana', reason: null }, ...more,
  };
}
const refusal = { reason: 'invalid_code', sentence: 'AWS did not take the code: it was wrong, too old or already used. Take the next one.', at: '2026-03-04T12:09:00Z', by: 'ana', 'request-id': 'req-1' };

describe('the card', () => {
  test('is not there where no code is needed', () => {
    expect(lockCard(null, now, local)).toBe(null);
  });
  test('before the gate: a quiet note, no field', () => {
    const card = lockCard(mfa({ state: 'not-yet', 'gate-id': null }), now, local)!;
    expect([card.icon, card.tone, card.asks]).toEqual(['closed', 'quiet', false]);
    expect(card.title).toBe('The apply will need an AWS MFA code.');
  });
  test('waiting: device, who may answer, whose session, how long', () => {
    const card = lockCard(mfa(), now, local)!;
    expect([card.icon, card.tone, card.asks, card.live, card.button]).toEqual(['closed', 'waiting', true, 'status', 'Authenticate & apply']);
    expect(card.details[0]).toBe('Waiting for an AWS MFA code for device mfa/ana. Anyone with apply rights can authenticate.');
    expect(card.details.join(' ')).toContain("With the organization's AWS identity (arn:aws:iam::111122223333:user/ci).");
    expect(card.aside[0]).toBe('Waiting for 10 min 0 s.');
    expect(card.aside[1]).toContain('tomorrow at');
  });
  test("with another's identity says whose session it will be", () => {
    const card = lockCard(mfa({ identity: { kind: 'personal', owner: 'bob', account: '1', arn: 'a' } }), now, { ...local, status: 'apply_queued' })!;
    expect(card.details.join(' ')).toContain("With bob's AWS session (a).");
    expect(card.button).toBe('Authenticate');
  });
  test("one's own session, and whose configuration it is lent to", () => {
    const mine = mfa({ identity: { kind: 'personal', owner: 'ana', account: '1', arn: '' } });
    expect(lockCard(mine, now, local)!.details.join(' ')).toContain('With your AWS session (account 1).');
    expect(lockCard(mine, now, { ...local, startedBy: 'bob' })!.details.join(' ')).toContain("bob's configuration will run with your AWS session (account 1).");
    expect(lockCard(mine, now, { ...local, startedBy: '' })!.details.join(' ')).toContain('With your AWS session');
  });
  test('who may not answer is told why and gets no field', () => {
    const card = lockCard(mfa({ you: { can: false, serial: null, reason: 'Register your device in your settings first.' } }), now, local)!;
    expect(card.asks).toBe(false);
    expect(card.details[0]).toBe('Register your device in your settings first.');
  });
  test('a used code: a countdown, and the field stays', () => {
    const card = lockCard(mfa({ 'next-code-in': 17 }), now, local)!;
    expect([card.icon, card.title, card.asks]).toEqual(['clock', 'The last code was already used. Next code in 17 s.', true]);
  });
  test('checking keeps the field', () => {
    // As the server says it: for now nobody can answer, and that is no fault of this person.
    const checking = mfa({ state: 'checking', you: { ...mfa().you, can: false, reason: null } });
    for (const card of [lockCard(checking, now, local)!, lockCard(mfa(), now, { ...local, sending: true })!]) {
      expect([card.icon, card.title, card.asks]).toEqual(['spinner', 'Checking with AWS...', true]);
      expect(card.details[0]).toMatch(/^Waiting for an AWS MFA code/);
    }
    const noDevice = { can: false, serial: null, reason: 'add your access key first' };
    expect(lockCard(mfa({ state: 'checking', you: noDevice }), now, local)!.asks).toBe(false);
  });
  test('refused: red, the reason, what is left, the request, and the field', () => {
    const card = lockCard(mfa({ state: 'refused', refusal, 'tries-left': 1, 'next-code-in': 9 }), now, local)!;
    expect([card.icon, card.tone, card.asks, card.live]).toEqual(['closed', 'bad', true, 'alert']);
    expect(card.title).toBe(refusal.sentence);
    expect(card.details.slice(0, 3)).toEqual(['Next code in 9 s.', '1 try left.', 'AWS request req-1.']);
  });
  test('locked: an owner is needed', () => {
    const card = lockCard(mfa({ state: 'locked', refusal }), now, local)!;
    expect([card.icon, card.tone, card.asks]).toEqual(['stop', 'bad', false]);
    expect(card.title).toBe('Too many wrong codes. An owner can unlock.');
  });
  test('passed: by whom, when, until when', () => {
    const card = lockCard(mfa({ state: 'passed', by: { username: 'ana', at: '2026-03-04T12:03:00Z', 'session-expires-at': '2026-03-04T13:03:00Z' } }), now, local)!;
    expect([card.icon, card.tone, card.asks]).toEqual(['open', 'good', false]);
    expect(card.title).toMatch(/^Authenticated with MFA by ana at \d\d:03\. Session ends \d\d:03\.$/);
  });
  test('expired and closed', () => {
    expect(lockCard(mfa({ state: 'expired' }), now, local)).toMatchObject({ icon: 'clock', tone: 'bad', asks: false, live: 'alert' });
    expect(lockCard(mfa({ state: 'closed' }), now, local)).toMatchObject({ tone: 'quiet', asks: false });
  });
});

test('codes as people type them', () => {
  expect(readCode('123456')).toBe('123456');
  expect(readCode(' 123 456 ')).toBe('123456');
  expect(readCode('123-456')).toBe('123456');
  expect(readCode('000004')).toBe('000004');
  for (const none of ['', '12345', '1234567', 'abcdef', '１２３４５６', '12345６', '1e5000']) expect(readCode(none), none).toBe(null);
});

test('devices by their short name', () => {
  expect(deviceName('arn:aws:iam::111122223333:mfa/ana')).toBe('mfa/ana');
  expect(deviceName('GAHT12345678')).toBe('GAHT12345678');
  expect(deviceName(null)).toBe('');
});
