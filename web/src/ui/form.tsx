/** Parts of forms: labelled fields, and the state of sending one. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { problemFrom } from '../base/answer.ts';
import type { ApiProblem } from '../base/api.ts';

export interface FieldProps {
  readonly text: string;
  readonly value: string;
  readonly onText: (value: string) => void;
  readonly hint?: ComponentChildren;
  readonly secret?: boolean;
  readonly autocomplete?: 'off' | 'username' | 'current-password' | 'new-password' | 'one-time-code';
  readonly inputMode?: 'numeric';
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly required?: boolean;
  readonly autofocus?: boolean;
  readonly placeholder?: string;
}

export function Field(props: FieldProps): JSX.Element {
  const { text, value, onText, hint, secret, autofocus, ...rest } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus === true) input.current?.focus();
  }, []);
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  const shared = {
    ...rest,
    ...described,
    ref: input,
    id,
    class: 'input',
    autocapitalize: 'off',
    value,
    onInput: (event: Event) => onText(event.currentTarget instanceof HTMLInputElement ? event.currentTarget.value : ''),
  } as const;
  return (
    <div class="field">
      <label for={id}>{text}</label>
      {secret === true ? <input {...shared} type="password" /> : <input {...shared} type="text" />}
      {hint !== undefined && (
        <div id={`${id}-hint`} class="small muted">
          {hint}
        </div>
      )}
    </div>
  );
}

/** The six digits of a second factor. */
export function CodeField(props: {
  readonly value: string;
  readonly onText: (value: string) => void;
  readonly autofocus?: boolean;
}): JSX.Element {
  return (
    <Field
      {...props}
      text="Code of your second factor"
      inputMode="numeric"
      pattern="[0-9]{6}"
      maxLength={6}
      autocomplete="one-time-code"
      required
    />
  );
}

export function Choice<V extends string>(props: {
  readonly text: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onChoose: (value: V) => void;
  readonly disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.text}</label>
      <select
        id={id}
        class="input"
        value={props.value}
        disabled={props.disabled === true}
        onChange={(event) => {
          const chosen = props.options.find((option) => option.value === event.currentTarget.value);
          if (chosen !== undefined) props.onChoose(chosen.value);
        }}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

export interface Sending {
  readonly busy: boolean;
  readonly problem: ApiProblem | undefined;
  /** Runs one request at a time; resolves to whether it went through. */
  run(request: () => Promise<unknown>): Promise<boolean>;
}

export function useSending(): Sending {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | undefined>(undefined);
  const run = async (request: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setProblem(undefined);
    try {
      await request();
      return true;
    } catch (error) {
      setProblem(problemFrom(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}
