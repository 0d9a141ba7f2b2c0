/** Two fields for a new password, with a first check; the server makes the real one. */
import type { JSX } from 'preact';
import { Field } from '../ui/form.tsx';

const CHARS_MIN = 12;

/** What is wrong with it so far, `undefined` when it may be sent. */
export function passwordFault(password: string, again: string, name: string = ''): string | undefined {
  if (password.length < CHARS_MIN) return `At least ${CHARS_MIN} characters; ${password.length} so far.`;
  if (name !== '' && password.toLowerCase().includes(name.toLowerCase())) return 'It must not hold the name.';
  if (new Set(password).size < 5) return 'Too few different characters.';
  if (again !== password) return 'Repeat it in the second field.';
  return undefined;
}

export function NewPasswordFields(props: {
  readonly password: string;
  readonly again: string;
  readonly onPassword: (value: string) => void;
  readonly onAgain: (value: string) => void;
  readonly fault: string | undefined;
}): JSX.Element {
  return (
    <>
      <Field
        text="New password"
        secret
        value={props.password}
        onText={props.onPassword}
        autocomplete="new-password"
        minLength={CHARS_MIN}
        required
        hint={props.fault ?? 'Good. A few words in a row are easy to keep and hard to guess.'}
      />
      <Field text="Again" secret value={props.again} onText={props.onAgain} autocomplete="new-password" required />
    </>
  );
}
