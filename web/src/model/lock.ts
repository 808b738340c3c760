// The lock card: what a person is told about an AWS MFA gate, from the run's `mfa` attribute and what this page itself
// knows. Pure: the same input gives the same words.

import type { Mfa } from '../api/types';
import { clock, duration, moment } from './time';

export type LockIcon = 'closed' | 'open' | 'clock' | 'spinner' | 'stop' | 'none';
export type LockTone = 'waiting' | 'good' | 'bad' | 'quiet';

export interface LockCard {
  icon: LockIcon;
  tone: LockTone;
  title: string;
  details: string[];
  aside: string[]; // below the field: how long it has waited, and until when it will
  asks: boolean; // whether the code field is there
  button: string;
  live: 'status' | 'alert';
}

export interface LockLocal {
  sending: boolean; // this page has a code on its way
  status: string; // of the run
  canApply: boolean;
  viewer: string;
  startedBy: string; // empty: no person
}

// Whether the gate stands open: somebody has to do something.
export function isOpen(mfa: Mfa | null | undefined): boolean {
  return mfa != null && ['waiting', 'refused', 'checking', 'locked'].includes(mfa.state);
}

// While a code is at AWS nobody can send another; whoever may answer keeps the field, and with it the focus.
function mayAnswer(mfa: Mfa): boolean {
  return mfa.you.can || (mfa.state === 'checking' && mfa.you.serial !== null && !mfa.you.reason);
}

const phaseWord = { plan: 'plan', apply: 'apply' } as const;

export function deviceName(serial: string | null | undefined): string {
  if (!serial) return '';
  const at = serial.indexOf(':mfa/');
  return at >= 0 ? `mfa/${serial.slice(at + 5)}` : serial;
}

function who(mfa: Mfa): string {
  return mfa.phase === 'plan' ? 'Who started the run, with the device above, can authenticate.' : 'Anyone with apply rights can authenticate.';
}

// Whose session it will be; and whose configuration, where a person lends their session to another's.
function whose(mfa: Mfa, local: LockLocal): string[] {
  const identity = mfa.identity;
  if (!identity) return [];
  const mine = identity.kind === 'personal' && (!identity.owner || identity.owner === local.viewer);
  const session = identity.kind === 'organization' ? "the organization's AWS identity" : mine ? 'your AWS session' : `${identity.owner}'s AWS session`;
  const account = identity.arn || (identity.account && `account ${identity.account}`);
  const lent = mine && local.startedBy !== '' && local.startedBy !== local.viewer;
  return [`${lent ? `${local.startedBy}'s configuration will run with` : 'With'} ${session}${account ? ` (${account})` : ''}.`];
}

function waiting(mfa: Mfa, now: number, local: LockLocal): LockCard {
  const phase = phaseWord[mfa.phase ?? 'apply'];
  const device = deviceName(mfa.you.serial);
  const details: string[] = [];
  const aside: string[] = [];
  const wait = mfa['next-code-in'];
  if (mayAnswer(mfa)) details.push(`Waiting for an AWS MFA code${device ? ` for device ${device}` : ''}. ${who(mfa)}`);
  else details.push(mfa.you.reason ?? 'You cannot answer here.');
  details.push(...whose(mfa, local));
  if (mfa.since) aside.push(`Waiting for ${duration((now - Date.parse(mfa.since)) / 1000)}.`);
  if (mfa.deadline) aside.push(`The run ends ${moment(mfa.deadline, now)} if nobody answers.`);
  const used = typeof wait === 'number' && wait > 0;
  return {
    icon: used ? 'clock' : 'closed',
    tone: 'waiting',
    title: used ? `The last code was already used. Next code in ${wait} s.` : `AWS MFA code needed for the ${phase}`,
    details,
    aside,
    asks: mayAnswer(mfa),
    button: mfa.phase === 'apply' && local.status === 'planned' ? 'Authenticate & apply' : 'Authenticate',
    live: 'status',
  };
}

function passed(mfa: Mfa): LockCard {
  const by = mfa.by;
  const title = by ? `Authenticated with MFA by ${by.username} at ${clock(by.at)}.` : 'Authenticated with MFA.';
  const ends = by?.['session-expires-at'];
  return {
    icon: 'open',
    tone: 'good',
    title: ends ? `${title} Session ends ${clock(ends)}.` : title,
    details: [],
    aside: [],
    asks: false,
    button: '',
    live: 'status',
  };
}

export function lockCard(mfa: Mfa | null, now: number, local: LockLocal): LockCard | null {
  if (!mfa) return null;
  const card = waiting(mfa, now, local);
  if (local.sending || mfa.state === 'checking') {
    return { ...card, icon: 'spinner', title: 'Checking with AWS...' };
  }
  switch (mfa.state) {
    case 'not-yet':
      return {
        icon: 'closed',
        tone: 'quiet',
        title: `The ${phaseWord[mfa.phase ?? 'plan']} will need an AWS MFA code.`,
        details: whose(mfa, local),
        aside: [],
        asks: false,
        button: '',
        live: 'status',
      };
    case 'waiting':
      return card;
    case 'refused': {
      const left = mfa['tries-left'];
      const tries = typeof left === 'number' ? [`${left} ${left === 1 ? 'try' : 'tries'} left.`] : [];
      const request = mfa.refusal?.['request-id'] ? [`AWS request ${mfa.refusal['request-id']}.`] : [];
      const wait = mfa['next-code-in'];
      const next = typeof wait === 'number' && wait > 0 ? [`Next code in ${wait} s.`] : [];
      return {
        ...card,
        icon: 'closed',
        tone: 'bad',
        title: mfa.refusal?.sentence ?? 'AWS refused the code.',
        details: [...next, ...tries, ...request, ...card.details],
        live: 'alert',
      };
    }
    case 'locked':
      return {
        icon: 'stop',
        tone: 'bad',
        title: 'Too many wrong codes. An owner can unlock.',
        details: mfa.refusal ? [`The last answer: ${mfa.refusal.sentence}`] : [],
        aside: [],
        asks: false,
        button: '',
        live: 'alert',
      };
    case 'passed':
      return passed(mfa);
    case 'expired':
      return {
        icon: 'clock',
        tone: 'bad',
        title: `Nobody entered an AWS MFA code in time${mfa.deadline ? ` (until ${moment(mfa.deadline, now)})` : ''}.`,
        details: ['Start a new run to try again.'],
        aside: [],
        asks: false,
        button: '',
        live: 'alert',
      };
    case 'closed':
      return { icon: 'closed', tone: 'quiet', title: 'The run ended before a code was entered.', details: [], aside: [], asks: false, button: '', live: 'status' };
  }
}

// "123 456" and "123-456" are the code 123456; null is no code.
export function readCode(typed: string): string | null {
  const code = typed.replace(/[\s-]/g, '');
  return /^[0-9]{6}$/.test(code) ? code : null;
}
