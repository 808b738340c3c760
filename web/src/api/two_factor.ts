// Requests of two-factor authentication, apart from client.ts so that the run page need not carry them.

import { post, session } from './client';
import type { Session } from './types';

export const place = '/api/web/v1/two-factor';

export interface State {
  enabled: boolean;
  'enabled-at': string | null;
  'recovery-codes-left': number;
}
export interface Enrolment {
  secret: string;
  uri: string;
}
export interface RecoveryCodes {
  'recovery-codes': string[];
}

// The second step of signIn.
export async function signInWithCode(ticket: string, code: string): Promise<void> {
  session.value = await post<Session>('/api/web/v1/session/code', { ticket, code });
}
