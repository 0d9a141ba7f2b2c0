/** Whom the operating system says this process belongs to. */
import { userInfo } from 'node:os';

/** The user's name, or `uid 1234` where the system has none for it, as in a container. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
