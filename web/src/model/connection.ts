// What a test of an AWS identity found, as sentences: what is well, what is not, and what is still open.

import type { ConnectionReport } from '../api/types';

export interface Finding {
  tone: 'good' | 'bad' | 'warn' | 'open';
  text: string;
}

const roleNames: Record<string, string> = { 'plan-role': 'The role of plans', 'apply-role': 'The role of applies', 'read-only-plan-role': 'The role of plans without a code' };
const oldKey = 90;
const muchSkew = 60;

export function findings(report: ConnectionReport): Finding[] {
  const found: Finding[] = [{ tone: 'good', text: `AWS knows the key: ${report.arn}, account ${report.account}.` }];
  if (!report['account-allowed']) found.push({ tone: 'bad', text: `Account ${report.account} is not on the organization's list: this identity opens no gate.` });
  const skew = report['clock-skew-seconds'];
  if (skew !== null) {
    const off = Math.abs(skew);
    found.push({ tone: off < muchSkew ? 'good' : 'bad', text: off < 2 ? "The server's clock agrees with AWS's." : `The server's clock is ${off} s ${skew > 0 ? 'ahead of' : 'behind'} AWS's.` });
  }
  const age = report['key-age-days'];
  if (age !== null) {
    const old = age > oldKey;
    found.push({ tone: old ? 'warn' : 'good', text: `The key is ${age} ${age === 1 ? 'day' : 'days'} old${old ? ': make another one in IAM, set it here, test it, then delete this one there' : ''}.` });
  }
  const closed = report['closed-without-mfa'];
  if (closed === true) found.push({ tone: 'good', text: 'Without a code the roles of the phases are closed.' });
  if (closed === false) found.push({ tone: 'bad', text: 'A role of the phases can be had without a code: its trust policy does not ask for MFA.' });
  found.push(report['code-accepted'] ? { tone: 'good', text: 'AWS accepted the code.' } : { tone: 'open', text: 'No code was tried.' });
  for (const role of report.roles) {
    const name = roleNames[role.name] ?? role.name;
    found.push({ tone: role.ok === null ? 'open' : role.ok ? 'good' : 'bad', text: `${name}, ${role.arn}: ${role.sentence || (role.ok === null ? 'not tried, that needs a code' : role.ok ? 'can be assumed' : 'cannot be assumed')}` });
  }
  return found;
}
