// What a page shows, as it comes from the server: loading, there, or an error; read anew when something changes.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { onLive, streaming, type LiveEvent } from '../api/live';
import { coalesced } from '../model/coalesce';

export interface Loaded<T> {
  data: T | null; // the last that came, also while a newer one is on its way
  error: ApiError | null;
  reload: () => void;
}

// Only while the stream is down; with it nothing is asked for twice.
const whileDisconnected = 5000;

function toError(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError(-1, cause instanceof Error ? cause.message : String(cause));
}

export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string, concerns?: (event: LiveEvent) => boolean): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: ApiError | null }>({ key, data: null, error: null });
  const current = useRef({ load, concerns });
  current.current = { load, concerns };
  const trigger = useRef<() => void>(() => undefined);

  useEffect(() => {
    const stop = new AbortController();
    const run = coalesced(
      async () => {
        try {
          const data = await current.current.load(stop.signal);
          if (!stop.signal.aborted) setState({ key, data, error: null });
        } catch (cause) {
          if (!stop.signal.aborted) setState((before) => ({ key, data: before.key === key ? before.data : null, error: toError(cause) }));
        }
      },
      () => stop.signal.aborted,
    );
    trigger.current = run;
    run();
    const silent = onLive((event) => {
      if (current.current.concerns?.(event)) run();
    });
    const timer = current.current.concerns && setInterval(() => {
      if (!streaming.value && document.visibilityState === 'visible') run();
    }, whileDisconnected);
    return () => {
      stop.abort();
      silent();
      clearInterval(timer);
    };
  }, [key]);

  const mine = state.key === key;
  return { data: mine ? state.data : null, error: mine ? state.error : null, reload: () => trigger.current() };
}
