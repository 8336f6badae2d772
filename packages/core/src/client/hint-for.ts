import { isStatusError } from '../machinery/index.ts';

/** What to do about an answer that will not change by itself, to be told beside its message; `undefined` for others. */
export function hintFor(error: unknown): string | undefined {
  if (!isStatusError(error)) return undefined;
  if (error.code === 401) {
    return 'the API server does not know who asks: is the token or certificate of the kubeconfig still valid?';
  }
  if (error.code === 403) return '`keelson manifests` writes a role with the rights that an operator needs';
  return undefined;
}
