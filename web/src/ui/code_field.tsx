// The one field for a code of an authenticator app, or for a recovery code: pasted or typed, with blanks or without.

import { Field, type FieldProps } from './basics';

export function CodeField(props: {
  label: string;
  hint?: string;
  error?: string | null;
  digits?: boolean; // only six digits, on a keyboard of digits
  value: string;
  onValue: (value: string) => void;
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
          class={props.digits ? 'code' : 'mono'}
          type="text"
          inputMode={props.digits ? 'numeric' : 'text'}
          autocomplete={props.digits ? 'one-time-code' : 'off'}
          autocapitalize="off"
          spellcheck={false}
          maxLength={props.digits ? 11 : 40}
          value={props.value}
          required
          aria-describedby={describedBy}
          aria-invalid={props.error ? 'true' : undefined}
          onInput={(event) => props.onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
