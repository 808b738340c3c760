// The one field for a code of an authenticator app, or for a recovery code: pasted or typed, with blanks or without.

import { Field, type FieldProps } from './basics';

export function CodeField(props: {
  label: string;
  hint?: string;
  wrong?: string | undefined; // the id of what says that the last one was refused
  digits?: boolean; // only six digits, on a keyboard of digits
  value: string;
  onValue: (value: string) => void;
  inputRef?: (element: HTMLInputElement | null) => void;
}) {
  const field: Omit<FieldProps, 'children'> = { label: props.label };
  if (props.hint) field.hint = props.hint;
  return (
    <Field {...field}>
      {({ id, describedBy }) => (
        <input
          id={id}
          ref={props.inputRef ?? null}
          class={props.digits ? 'code' : 'mono'}
          type="text"
          inputMode={props.digits ? 'numeric' : 'text'}
          autocomplete={props.digits ? 'one-time-code' : 'off'}
          autocapitalize="off"
          spellcheck={false}
          maxLength={props.digits ? 11 : 40}
          value={props.value}
          required
          aria-describedby={[describedBy, props.wrong].filter(Boolean).join(' ') || undefined}
          aria-invalid={props.wrong ? 'true' : undefined}
          onInput={(event) => props.onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
