import type { Told } from '../contract.ts';
import { namePrefix } from '../writer.ts';

interface Watched {
  readonly metadata?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** What was told, or `undefined` where it is of an object that is not ours. */
export function told(type: Told['type'], { metadata, data }: Watched): Told | undefined {
  const { namespace = '', name = '', uid = '' } = metadata ?? {};
  if (!name.startsWith(namePrefix)) return undefined;
  return { type, key: `${namespace}/${name}`, uid, count: Number(data?.['count']) };
}
