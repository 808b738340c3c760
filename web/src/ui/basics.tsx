// The small pieces that every page is made of.

import { useSignal, type Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { ago, dateAndTime } from '../model/time';
import { visible } from '../model/visible';
import type { Loaded } from './load';

// A text that somebody else wrote.
export function Foreign({ text }: { text: string | null | undefined }) {
  return <bdi>{visible(text ?? '')}</bdi>;
}

const icons = {
  check: 'M4 10.5l4 4 8-9',
  cross: 'M5 5l10 10M15 5L5 15',
  clock: 'M10 5v5l3.5 2M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z',
  play: 'M6 4l10 6-10 6z',
  lock: 'M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  unlock: 'M5 9h10v8H5zM7 9V6a3 3 0 0 1 5.8-1',
  stop: 'M6.5 2.5h7l4 4v7l-4 4h-7l-4-4v-7zM10 6v5M10 13.8v.4',
  dash: 'M5 10h10',
  dot: 'M10 8.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z',
  chevron: 'M7 4l6 6-6 6',
  warning: 'M10 3l8 14H2zM10 8v4M10 14.2v.3',
  search: 'M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM12.5 12.5L17 17',
} as const;
export type IconName = keyof typeof icons;

export function Icon({ name, title }: { name: IconName; title?: string }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden={title ? undefined : 'true'} role={title ? 'img' : undefined} aria-label={title}>
      <path d={icons[name]} />
    </svg>
  );
}

export function Spinner() {
  return <span class="spinner" aria-hidden="true" />;
}

// "3 min ago", kept right while it is looked at.
export function When({ at }: { at: string | null | undefined }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return null;
  return (
    <time dateTime={at} title={dateAndTime(at)}>
      {ago(at, now)}
    </time>
  );
}

// Every second while `running`; the time of the page where things count up or down.
export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

export function Problem({ error, retry }: { error: ApiError; retry?: () => void }) {
  const missing = error.status === 404;
  return (
    <div class="problem" role="alert">
      <Icon name="warning" />
      <div>
        <p>
          <strong>{missing ? 'This is not here.' : error.status === 0 ? 'The server cannot be reached.' : 'That did not work.'}</strong>{' '}
          {missing ? 'It does not exist, or you may not see it.' : error.status === 0 ? 'What you see may be old; the page goes on by itself.' : visible(error.message)}
        </p>
        {error.requestId && !missing && <p class="quiet">Request {error.requestId}</p>}
        {retry && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

// Draws what has come; bones while nothing has, the problem where there is one and nothing to show.
export function Shown<T>({ loaded, children }: { loaded: Loaded<T>; children: (data: T) => ComponentChildren }) {
  if (loaded.data !== null) {
    return (
      <>
        {loaded.error && <Problem error={loaded.error} retry={loaded.reload} />}
        {children(loaded.data)}
      </>
    );
  }
  if (loaded.error) return <Problem error={loaded.error} retry={loaded.reload} />;
  return (
    <div class="bones" role="status">
      <span class="unseen">Loading</span>
      <div /> <div /> <div />
    </div>
  );
}

// Of a list that has its newest first; nothing where one page holds it all.
export function Pages({ page, pages }: { page: Signal<number>; pages: number }) {
  if (pages <= 1) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled={page.value <= 1} onClick={() => page.value--}>
        Newer
      </button>
      <span>
        Page {page.value} of {pages}
      </span>
      <button type="button" disabled={page.value >= pages} onClick={() => page.value++}>
        Older
      </button>
    </nav>
  );
}

export interface FieldProps {
  label: string;
  hint?: string;
  error?: string | null;
  children: (ids: { id: string; describedBy: string | undefined }) => JSX.Element;
}

let count = 0;
export function useId(prefix: string): string {
  return useRef(`${prefix}-${++count}`).current;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId('field');
  const notes = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, describedBy: notes || undefined })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {visible(error)}
        </p>
      )}
    </div>
  );
}

export function TextField(props: {
  label: string;
  hint?: string;
  error?: string | null;
  value: string;
  onValue: (value: string) => void;
  type?: 'text' | 'password' | 'email' | 'search';
  autocomplete?: string;
  required?: boolean;
  placeholder?: string;
  mono?: boolean;
  readOnly?: boolean;
  inputRef?: (element: HTMLInputElement | null) => void;
}) {
  const field: Omit<FieldProps, 'children'> = { label: props.label };
  if (props.hint) field.hint = props.hint;
  if (props.error) field.error = props.error;
  return (
    <Field {...field}>
      {({ id, describedBy }) => (
        <input
          id={id}
          ref={props.inputRef ?? null}
          class={props.mono ? 'mono' : undefined}
          type={props.type ?? 'text'}
          value={props.value}
          readOnly={props.readOnly ?? false}
          required={props.required ?? false}
          placeholder={props.placeholder}
          autocomplete={props.autocomplete ?? 'off'}
          autocapitalize="off"
          spellcheck={false}
          aria-describedby={describedBy}
          aria-invalid={props.error ? 'true' : undefined}
          onInput={(event) => props.onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

// A button that does one thing, says that it is at it, and what went wrong.
export function ActionButton(props: {
  children: ComponentChildren;
  act: () => Promise<void>;
  kind?: 'primary' | 'danger' | 'plain';
  onError?: (error: ApiError) => void;
  disabled?: boolean;
}) {
  const busy = useSignal(false);
  const click = async () => {
    if (busy.value) return;
    busy.value = true;
    try {
      await props.act();
    } catch (cause) {
      props.onError?.(cause instanceof ApiError ? cause : new ApiError(-1, String(cause)));
    } finally {
      busy.value = false;
    }
  };
  return (
    <button type="button" class={props.kind ?? 'plain'} aria-busy={busy.value} disabled={props.disabled} onClick={() => void click()}>
      {busy.value && <Spinner />}
      {props.children}
    </button>
  );
}

export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  // Before the next paint: a key pressed while the form is in the page but not yet modal would be lost.
  useLayoutEffect(() => {
    element.current?.showModal();
  }, []);
  const id = useId('dialog');
  return (
    <dialog ref={element} aria-labelledby={id} onClose={close} onCancel={close}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="bare" aria-label="Close" onClick={close}>
          <Icon name="cross" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · tollgate`;
  }, [title]);
}
