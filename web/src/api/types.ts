// What the API answers, as far as the page reads it. Names are those of the API's documents.

export interface Link {
  data: { id: string; type: string } | null;
}

export interface Resource<A> {
  id: string;
  type: string;
  attributes: A;
  relationships?: Record<string, Partial<Link> | undefined>;
}

export interface Document<R> {
  data: R;
  included?: Resource<Record<string, unknown>>[];
  meta?: { pagination?: { 'current-page': number; 'total-pages': number; 'total-count': number } };
}

export type RunStatus =
  | 'pending' | 'plan_queued' | 'planning' | 'planned' | 'planned_and_saved' | 'planned_and_finished' | 'confirmed'
  | 'apply_queued' | 'applying' | 'applied' | 'discarded' | 'canceled' | 'force_canceled' | 'errored';

export type PhaseStatus = 'pending' | 'queued' | 'mfa_waiting' | 'running' | 'finished' | 'errored' | 'canceled' | 'unreachable';

export type Level = 'never' | 'applies-only' | 'plans-and-applies';

export interface Mfa {
  level: Level;
  phase: 'plan' | 'apply' | null;
  state: 'not-yet' | 'waiting' | 'checking' | 'refused' | 'locked' | 'passed' | 'expired' | 'closed';
  'gate-id': string | null;
  since: string | null;
  deadline: string | null;
  by: { username: string; at: string; 'session-expires-at': string | null } | null;
  refusal: { reason: string; sentence: string; at: string; by: string; 'request-id': string | null } | null;
  'tries-left': number | null;
  'next-code-in': number | null;
  identity: { kind: 'personal' | 'organization'; owner: string | null; account: string; arn: string } | null;
  you: { can: boolean; serial: string | null; reason: string | null };
}

export interface MfaPassed {
  phase: 'plan' | 'apply';
  username: string;
  at: string;
  'session-expires-at': string | null;
  account: string;
  arn: string;
  serial: string;
  'request-id': string;
}

export interface RunAttributes {
  status: RunStatus;
  'status-timestamps': Record<string, string>;
  actions: { 'is-cancelable': boolean; 'is-confirmable': boolean; 'is-discardable': boolean; 'is-force-cancelable': boolean };
  permissions: { 'can-apply': boolean; 'can-cancel': boolean; 'can-discard': boolean; 'can-force-cancel': boolean };
  'has-changes': boolean;
  'is-destroy': boolean;
  message: string;
  'plan-only': boolean;
  'refresh-only': boolean;
  'auto-apply': boolean;
  source: string;
  'target-addrs': string[];
  'replace-addrs': string[];
  'terraform-version': string;
  'error-reason': string | null;
  'error-detail': string | null;
  'canceled-at'?: string | null;
  'created-at': string;
  mfa?: Mfa | null;
  'mfa-history'?: MfaPassed[];
}
export type Run = Resource<RunAttributes>;

export interface PhaseAttributes {
  status: PhaseStatus;
  'status-timestamps': Record<string, string>;
  'log-read-url': string;
  'resource-additions': number;
  'resource-changes': number;
  'resource-destructions': number;
  'resource-imports': number;
  'has-changes'?: boolean;
}
export type Phase = Resource<PhaseAttributes>;

export interface RunEvent {
  action: string;
  description: string;
  'actor-name': string;
  'created-at': string;
}

export interface WorkspaceAttributes {
  name: string;
  description: string | null;
  'auto-apply': boolean;
  'allow-destroy-plan': boolean;
  'execution-mode': 'remote' | 'local';
  'structured-run-output-enabled': boolean;
  locked: boolean;
  'lock-reason': string | null;
  'terraform-version': string;
  'working-directory': string | null;
  'tag-names': string[];
  'aws-mfa': Level | null;
  permissions: Record<string, boolean>;
  'created-at': string;
  'updated-at': string;
}
export type Workspace = Resource<WorkspaceAttributes>;

export interface OrganizationAttributes {
  name: string;
  email: string;
  'aws-mfa': Level;
  'default-execution-mode': 'remote' | 'local';
  'plan-gate-deadline': number;
  'apply-gate-deadline': number;
  'plan-limit': number;
  'apply-limit': number;
  permissions: Record<string, boolean>;
  'created-at': string;
}
export type Organization = Resource<OrganizationAttributes>;

export interface UserAttributes {
  username: string;
  email?: string;
  'is-site-admin'?: boolean;
}

export interface VariableAttributes {
  key: string;
  value: string | null;
  description: string | null;
  category: 'terraform' | 'env';
  hcl: boolean;
  sensitive: boolean;
}
export type Variable = Resource<VariableAttributes>;

export interface StateVersionAttributes {
  serial: number;
  size: number;
  status: string;
  intermediate: boolean;
  'terraform-version': string | null;
  'hosted-state-download-url': string | null;
  'created-at': string;
}
export type StateVersion = Resource<StateVersionAttributes>;

export interface NoticeAttributes {
  kind: string;
  sentence: string;
  by: string | null;
  'created-at': string;
}
export type Notice = Resource<NoticeAttributes>;

export interface TokenAttributes {
  description: string;
  token: string | null;
  'created-at': string;
  'last-used-at': string | null;
  'expired-at': string | null;
}
export type Token = Resource<TokenAttributes>;

export interface Session {
  'user-id'?: string;
  username: string;
  email?: string;
  'is-site-admin'?: boolean;
  'csrf-token': string;
  'authenticated-at'?: string;
}

export type IdentityPolicy = 'personal' | 'organization' | 'personal-then-organization';

export interface PhaseRole {
  arn: string;
  'external-id': string;
}

export interface AwsMfaSettingsAttributes {
  level: Level;
  'identity-policy': IdentityPolicy;
  accounts: string[];
  'effective-accounts': string[];
  'plan-gate-deadline': number;
  'apply-gate-deadline': number;
  'plan-limit': number;
  'apply-limit': number;
  'plan-role': PhaseRole | null;
  'apply-role': PhaseRole | null;
  'read-only-plan-role': PhaseRole | null;
  'raw-key-plans': boolean;
  warnings: string[];
}
export type AwsMfaSettings = Resource<AwsMfaSettingsAttributes>;

export interface AwsIdentityAttributes {
  kind: 'personal' | 'organization';
  'access-key-id': string;
  'mfa-serial': string | null;
  'device-owner': string | null;
  region: string;
  shared: boolean;
  account: string | null;
  arn: string | null;
  'tested-at'?: string | null;
  'updated-at': string;
}
export type AwsIdentity = Resource<AwsIdentityAttributes>;

export interface AwsDeviceAttributes {
  serial: string;
  username: string;
  'created-at': string;
}
export type AwsDevice = Resource<AwsDeviceAttributes>;

export interface ConnectionReport {
  account: string;
  arn: string;
  'account-allowed': boolean;
  'clock-skew-seconds': number | null;
  'key-age-days': number | null;
  'closed-without-mfa': boolean | null;
  'code-accepted': boolean;
  roles: { name: string; arn: string; ok: boolean | null; sentence: string }[];
}

export interface AuditEventAttributes {
  sequence: number;
  at: string;
  event: string;
  actor: { kind: string; id: string; name: string };
  address: string;
  subject: { kind: string; id: string };
  details: Record<string, unknown>;
  hash: string;
}
export type AuditEvent = Resource<AuditEventAttributes>;

export type AuditVerification = Resource<{ unbroken: boolean; detail: string | null; at: string }>;

export interface WebhookResponse {
  code: number | null;
  body: string;
  'sent-at': string | null;
  successful: boolean;
  error: string | null;
}

export interface WebhookAttributes {
  name: string;
  url: string;
  enabled: boolean;
  triggers: string[];
  'delivery-responses': WebhookResponse[];
}
export type Webhook = Resource<WebhookAttributes>;

export interface WebhookDeliveryAttributes {
  trigger: string;
  'run-id': string;
  state: string;
  attempts: number;
  'created-at': string;
  response: WebhookResponse | null;
}
export type WebhookDelivery = Resource<WebhookDeliveryAttributes>;
