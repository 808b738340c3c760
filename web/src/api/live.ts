// The server's event stream, one for all tabs of a browser: whichever tab holds the lock has the connection and passes
// on what it hears. A tab that comes later, or a stream that was down, is told to read everything anew (resync).

import { signal } from '@preact/signals';

export interface RunChanged {
  organization: string;
  'workspace-id': string;
  'run-id': string;
  status: string;
  'mfa-state'?: string | null;
}
export interface LogGrew {
  'run-id': string;
  phase: string;
  offset: number;
}
// Its lock or its state changed.
export interface WorkspaceChanged {
  organization: string;
  'workspace-id': string;
  what: string;
}
// Its owners were told something.
export interface Noticed {
  organization: string;
}
export type LiveEvent =
  | { kind: 'run'; data: RunChanged }
  | { kind: 'workspace'; data: WorkspaceChanged }
  | { kind: 'log'; data: LogGrew }
  | { kind: 'notice'; data: Noticed }
  | { kind: 'resync' };
const kinds = ['run', 'workspace', 'log', 'notice'] as const;
type Kind = (typeof kinds)[number];

// Whether something of an organization may look different now.
export function inOrganization(event: LiveEvent, organization: string): boolean {
  return event.kind === 'resync' || ((event.kind === 'run' || event.kind === 'workspace') && event.data.organization === organization);
}

export function inWorkspace(event: LiveEvent, id: string): boolean {
  return event.kind === 'resync' || ((event.kind === 'run' || event.kind === 'workspace') && event.data['workspace-id'] === id);
}

export const streaming = signal(false);

type Handler = (event: LiveEvent) => void;
const handlers = new Set<Handler>();

export function onLive(handler: Handler): () => void {
  handlers.add(handler);
  return () => handlers.delete(handler);
}

function tell(event: LiveEvent): void {
  for (const handler of [...handlers]) handler(event);
}

type Message = { event: LiveEvent } | { streaming: boolean } | { hello: true };

const name = 'tollgate-events';
const retryFirst = 1000;
const retryMost = 30_000;

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

// Holds the connection until `stopped`.
function connect(publish: (message: Message) => void, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource | null = null;
    let wait = retryFirst;
    let timer = 0;
    const hear = (kind: Kind, event: MessageEvent<string>) => {
      const data = parse(event.data);
      if (data) publish({ event: { kind, data } as LiveEvent });
    };
    const open = () => {
      source = new EventSource('/api/web/v1/events');
      source.onopen = () => {
        wait = retryFirst;
        publish({ streaming: true });
        publish({ event: { kind: 'resync' } });
      };
      for (const kind of kinds) source.addEventListener(kind, (event) => hear(kind, event as MessageEvent<string>));
      source.addEventListener('resync', () => publish({ event: { kind: 'resync' } }));
      source.onerror = () => {
        publish({ streaming: false });
        // After an answer that is no stream the browser does not try again by itself.
        if (source?.readyState === EventSource.CLOSED) {
          timer = window.setTimeout(open, wait);
          wait = Math.min(wait * 2, retryMost);
        }
      };
    };
    open();
    stopped.addEventListener('abort', () => {
      source?.close();
      clearTimeout(timer);
      publish({ streaming: false });
      resolve();
    });
  });
}

// Begins to listen; the returned function ends it.
export function listen(): () => void {
  const stop = new AbortController();
  const channel = new BroadcastChannel(name);
  let leads = false;
  const take = (message: Message) => {
    if ('event' in message) tell(message.event);
    else if ('streaming' in message) streaming.value = message.streaming;
    else if (leads) channel.postMessage({ streaming: streaming.value });
  };
  channel.onmessage = (event: MessageEvent<Message>) => take(event.data);
  const publish = (message: Message) => {
    if (!stop.signal.aborted) channel.postMessage(message);
    take(message);
  };
  const lead = async () => {
    leads = true;
    await connect(publish, stop.signal);
  };
  if (navigator.locks) {
    navigator.locks.request(name, { signal: stop.signal }, lead).catch(() => undefined);
    channel.postMessage({ hello: true });
  } else {
    void lead();
  }
  stop.signal.addEventListener('abort', () => channel.close());
  return () => stop.abort();
}
