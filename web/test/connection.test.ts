import { expect, test } from 'vitest';
import type { ConnectionReport } from '../src/api/types';
import { findings } from '../src/model/connection';

const report: ConnectionReport = {
  account: '111122223333', arn: 'arn:aws:iam::111122223333:user/ana', 'account-allowed': true, 'clock-skew-seconds': 0, 'key-age-days': 12, 'closed-without-mfa': null, 'code-accepted': false, roles: [],
};
const tones = (more: Partial<ConnectionReport>) => findings({ ...report, ...more }).map((one) => one.tone);

test('a key that AWS knows, without a code', () => {
  expect(findings(report).map((one) => one.text)).toEqual([
    'AWS knows the key: arn:aws:iam::111122223333:user/ana, account 111122223333.', "The server's clock agrees with AWS's.", 'The key is 12 days old.', 'No code was tried.',
  ]);
});
test('what keeps the gate shut, or leaves it open, is bad', () => {
  expect(tones({ 'account-allowed': false })).toContain('bad');
  expect(tones({ 'clock-skew-seconds': -400 })).toContain('bad');
  expect(findings({ ...report, 'clock-skew-seconds': -400 })[1]?.text).toBe("The server's clock is 400 s behind AWS's.");
  expect(tones({ 'closed-without-mfa': false })).toContain('bad');
  expect(tones({ 'closed-without-mfa': true })).not.toContain('bad');
});
test('an old key is to be replaced; an age that AWS does not tell is not guessed', () => {
  expect(findings({ ...report, 'key-age-days': 91 }).find((one) => one.tone === 'warn')?.text).toContain('91 days old: make another one');
  expect(findings({ ...report, 'key-age-days': null }).some((one) => one.text.includes('old'))).toBe(false);
});
test('each role says whether it can be had', () => {
  const role = { name: 'apply-role', arn: 'arn:aws:iam::2:role/x', ok: false, sentence: 'Its trust policy refuses.' };
  const found = findings({ ...report, 'code-accepted': true, roles: [role, { ...role, ok: true }, { ...role, ok: null }] });
  expect(found.slice(-3).map((one) => one.tone)).toEqual(['bad', 'good', 'open']);
  expect(found.at(-3)?.text).toBe('The role of applies, arn:aws:iam::2:role/x: Its trust policy refuses.');
  expect(found.some((one) => one.text === 'AWS accepted the code.')).toBe(true);
});
