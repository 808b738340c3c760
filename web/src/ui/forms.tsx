// Forms of settings: one Save for a section, what was saved is said, what went wrong stands at the form.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { visible } from '../model/visible';
import { Dialog, Spinner, TextField, useId } from './basics';

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId('section');
  return (
    <section class="settings" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

export function SaveForm({ save, children, words = 'Save settings', kind = 'primary', disabled = false }: {
  save: () => Promise<void>;
  children: ComponentChildren;
  words?: string;
  kind?: 'primary' | 'danger';
  disabled?: boolean;
}) {
  const [state, setState] = useState<'idle' | 'busy' | 'saved'>('idle');
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (state === 'busy') return;
    setState('busy');
    setError(null);
    try {
      await save();
      setState('saved');
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
      setState('idle');
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} onInput={() => state === 'saved' && setState('idle')}>
      {error && (
        <p class="form-error" role="alert">
          {visible(error)}
        </p>
      )}
      {children}
      <div class="form-foot">
        <button type="submit" class={kind} aria-busy={state === 'busy'} disabled={disabled}>
          {state === 'busy' && <Spinner />}
          {words}
        </button>
        <span role="status">{state === 'saved' ? 'Saved.' : ''}</span>
      </div>
    </form>
  );
}

export function Check({ label, hint, value, onValue, disabled = false }: { label: string; hint?: string; value: boolean; onValue: (value: boolean) => void; disabled?: boolean }) {
  return (
    <label class={`choice${disabled ? ' off' : ''}`}>
      <input type="checkbox" checked={value} disabled={disabled} onChange={(event) => onValue(event.currentTarget.checked)} />
      <span>
        <strong>{label}</strong>
        {hint && <span class="hint">{hint}</span>}
      </span>
    </label>
  );
}

export function Choice<T extends string>({ legend, name, value, onValue, options }: {
  legend: string;
  name: string;
  value: T;
  onValue: (value: T) => void;
  options: { value: T; label: string; hint?: string; off?: string | null }[];
}) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option.value} class={`choice${option.off ? ' off' : ''}`}>
          <input type="radio" name={name} value={option.value} checked={value === option.value} disabled={Boolean(option.off)} onChange={() => onValue(option.value)} />
          <span>
            <strong>{option.label}</strong>
            {(option.hint || option.off) && <span class="hint">{option.off ? option.off : option.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

// For what cannot be taken back: the name has to be typed.
export function Sure({ title, name, words, children, act, close }: {
  title: string;
  name: string;
  words: string;
  children: ComponentChildren;
  act: () => Promise<void>;
  close: () => void;
}) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog title={title} close={close}>
      {children}
      <SaveForm save={act} words={words} kind="danger" disabled={typed !== name}>
        <TextField label={`Type ${name} to go on`} value={typed} onValue={setTyped} mono />
      </SaveForm>
    </Dialog>
  );
}
