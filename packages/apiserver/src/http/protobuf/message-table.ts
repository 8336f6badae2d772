import { z } from 'zod';
import { messagesJson } from './generated/messages.ts';
import { metaMessages } from './meta-messages.ts';

/** Number, type, and 1 where the absence of the field differs from its zero value. A name with `~` has no JSON name: inlined. */
const Field = z.tuple([z.number(), z.string()]).or(z.tuple([z.number(), z.string(), z.literal(1)]));
const Messages = z.record(z.string(), z.record(z.string(), Field));

export type Scalar = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'double';

/** One field of a message, as JSON and as protobuf know it. */
export interface MessageField {
  /** The key in JSON. */
  readonly name: string;
  readonly number: number;
  /** A scalar, or the full name of a message; of a map, its values'. */
  readonly type: string;
  readonly shape: 'single' | 'repeated' | 'map';
  /** Go holds a pointer: what is absent is not written. All else is always written, zero or not. */
  readonly optional: boolean;
  /** The fields of this message stand in JSON among those of the one around it. */
  readonly inline: boolean;
}

let table: z.infer<typeof Messages> | undefined;
const parsed = new Map<string, readonly MessageField[]>();

function load(): z.infer<typeof Messages> {
  table ??= { ...Messages.parse(JSON.parse(messagesJson)), ...Messages.parse(metaMessages) };
  return table;
}

export function isMessage(type: string): boolean {
  return Object.hasOwn(load(), type) || listItemOf(type) !== undefined;
}

/** The fields of a message by rising number; empty for one that is not known. */
export function fieldsOf(type: string): readonly MessageField[] {
  const known = parsed.get(type);
  if (known) return known;
  const own = load()[type] ?? listFields(type) ?? {};
  const fields = Object.entries(own)
    .map(([name, [number, text, optional]]): MessageField => {
      const map = /^map<\w+,(.+)>$/.exec(text)?.[1];
      const repeated = text.startsWith('repeated ');
      return {
        name: name.startsWith('~') ? name.slice(1) : name,
        number,
        type: map ?? (repeated ? text.slice('repeated '.length) : text),
        shape: map !== undefined ? 'map' : repeated ? 'repeated' : 'single',
        optional: optional === 1,
        inline: name.startsWith('~'),
      };
    })
    .sort((a, b) => a.number - b.number);
  parsed.set(type, fields);
  return fields;
}

/** Lists are alike for all kinds, and so are not in the table: metadata, then items. */
function listItemOf(type: string): string | undefined {
  if (!type.endsWith('List')) return undefined;
  const item = type.slice(0, -'List'.length);
  return load()[item]?.['metadata'] ? item : undefined;
}

function listFields(type: string): z.infer<typeof Messages>[string] | undefined {
  const item = listItemOf(type);
  return item === undefined ? undefined : { metadata: [1, `${metaPackage}.ListMeta`], items: [2, `repeated ${item}`] };
}

export const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';

/** Groups whose package is not named after the first label of the group. */
const packages: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    '': 'k8s.io.api.core',
    'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions',
    'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
    'rbac.authorization.k8s.io': 'k8s.io.api.rbac',
    'flowcontrol.apiserver.k8s.io': 'k8s.io.api.flowcontrol',
    'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
  }),
);

const types = new Map<string, Map<string, string | undefined>>();

/** The message of a kind; `undefined` for kinds that have none: custom resources. */
export function messageOf(apiVersion: string, kind: string): string | undefined {
  let kinds = types.get(apiVersion);
  const known = kinds?.get(kind);
  if (known !== undefined) return known;
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const own = `${packages.get(group) ?? `k8s.io.api.${group.split('.')[0]}`}.${version}.${kind}`;
  const shared = `${metaPackage}.${kind}`;
  // A group of one's own may begin like one of Kubernetes': `apps.example.org`.
  const builtIn = packages.get(group) !== undefined || !group.includes('.') || group.endsWith('.k8s.io');
  const found = builtIn && isMessage(own) ? own : isMeta(group, kind) ? shared : undefined;
  if (found === undefined) return undefined;
  if (!kinds) {
    kinds = new Map();
    types.set(apiVersion, kinds);
  }
  kinds.set(kind, found);
  return found;
}

/** Kinds of `meta/v1` are registered in every group: DeleteOptions is sent as `apps/v1`, Status as `v1`. */
const isMeta = (group: string, kind: string) =>
  kind === 'DeleteOptions' ||
  ((group === '' || group === 'meta.k8s.io') && Object.hasOwn(metaMessages, `${metaPackage}.${kind}`));
