import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ConfigMap, deepEqual, type ObjectMeta, Secret, ServiceAccount, validateConfigMapKey } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { jsonSyntaxError } from './json-syntax.ts';

const largestData = 1024 * 1024;
const encoder = new TextEncoder();

/** Bytes of a text in UTF-8; counted only where it matters. */
type Data = Readonly<Record<string, string>>;

const bytesOf = (text: string, most: number) => (text.length * 3 <= most ? text.length : encoder.encode(text).length);
/** Bytes that a base64 text stands for. */
const decodedBytes = (text: string) =>
  Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

const fixed = 'field is immutable when `immutable` is set';

function checkFrozen(
  object: { readonly immutable?: boolean },
  old: { readonly immutable?: boolean },
  fields: readonly string[],
  errors: FieldErrors,
): void {
  if (old.immutable !== true) return;
  if (object.immutable !== true) errors.forbidden('immutable', fixed);
  for (const field of fields) {
    const before: unknown = Reflect.get(old, field);
    if (!deepEqual(Reflect.get(object, field) ?? {}, before ?? {})) errors.forbidden(field, fixed);
  }
}

const configMap = strategyFor(ConfigMap, {
  validateFixed: (object, old, errors) => checkFrozen(object, old, ['data', 'binaryData'], errors),
  validate(object, errors) {
    const { data = {}, binaryData = {} } = object;
    let size = 0;
    for (const [key, value] of Object.entries(data)) {
      errors.rule(`data[${key}]`, key, validateConfigMapKey(key));
      if (Object.hasOwn(binaryData, key)) errors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
      size += bytesOf(value, largestData);
    }
    for (const [key, value] of Object.entries(binaryData)) {
      errors.rule(`binaryData[${key}]`, key, validateConfigMapKey(key));
      size += decodedBytes(value);
    }
    // The whole object has no path, and Go prints one that is empty like this.
    if (size > largestData) errors.tooLong('[]', largestData);
  },
});

const accountAnnotation = 'kubernetes.io/service-account.name';

/** Keys that a Secret of a type must have, and those of them that must hold JSON. */
const required: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<readonly string[]>({
    'kubernetes.io/dockercfg': ['.dockercfg'],
    'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
    'kubernetes.io/ssh-auth': ['ssh-privatekey'],
    'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  }),
);
const holdsJson = new Set(['.dockercfg', '.dockerconfigjson']);

function checkType({ type = '', data = {}, metadata }: Secret, errors: FieldErrors): void {
  for (const key of required.get(type) ?? []) {
    const value = data[key];
    if (value === undefined || (type === 'kubernetes.io/ssh-auth' && value === '')) errors.required(`data[${key}]`);
    else if (holdsJson.has(key)) {
      const why = jsonSyntaxError(Buffer.from(value, 'base64').toString());
      if (why !== undefined) errors.invalid(`data[${key}]`, '<secret contents redacted>', why);
    }
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    errors.required('data[username]');
    errors.required('data[password]');
  }
  if (type === 'kubernetes.io/service-account-token' && !accountOf(metadata)) {
    errors.required(`metadata.annotations[${accountAnnotation}]`);
  }
}

const accountOf = ({ annotations }: ObjectMeta) => annotations?.[accountAnnotation];

const pem = /-----BEGIN ([^-]+)-----/;

/** What Go's TLS library says of a pair that it cannot use. */
function keyPairWarnings(data: Data): readonly string[] {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const [certificate, key] = [text('tls.crt'), text('tls.key')];
  const switched = 'PEM inputs may have been switched';
  const kind = pem.exec(certificate)?.[1];
  if (kind === undefined) return ['tls: failed to find any PEM data in certificate input'];
  if (!certificate.includes('-----BEGIN CERTIFICATE-----')) {
    return kind.endsWith('PRIVATE KEY')
      ? [`tls: failed to find certificate PEM data in certificate input, but did find a private key; ${switched}`]
      : [
          `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${kind}]`,
        ];
  }
  const keyKind = pem.exec(key)?.[1];
  if (keyKind === undefined) return ['tls: failed to find any PEM data in key input'];
  if (!key.includes('PRIVATE KEY-----')) {
    return keyKind === 'CERTIFICATE'
      ? ['tls: found a certificate rather than a key in the PEM for the private key']
      : [
          `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${keyKind}]`,
        ];
  }
  try {
    const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
    return matches ? [] : ['tls: private key does not match public key'];
  } catch {
    return ['tls: failed to parse private key'];
  }
}

const secret = strategyFor(Secret, {
  defaults(object) {
    object.type ||= 'Opaque';
    if (object.stringData) {
      const encoded = Object.entries(object.stringData).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ]);
      object.data = { ...object.data, ...Object.fromEntries(encoded) };
      delete object.stringData;
    }
  },
  validateFixed(object, old, errors) {
    if (object.type !== old.type) errors.invalid('type', object.type ?? '', 'field is immutable');
    checkFrozen(object, old, ['data'], errors);
  },
  validate(object, errors) {
    let size = 0;
    for (const [key, value] of Object.entries(object.data ?? {})) {
      errors.rule(`data[${key}]`, key, validateConfigMapKey(key));
      size += decodedBytes(value);
    }
    if (size > largestData) errors.tooLong('data', largestData);
    checkType(object, errors);
  },
  warnings: ({ type, data }) => (type === 'kubernetes.io/tls' ? keyPairWarnings(data ?? {}) : []),
});

const enforceMountable = 'kubernetes.io/enforce-mountable-secrets';

/** Of its secrets an account knows the names. */
function cleanSecrets(account: Draft<ServiceAccount>): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

const serviceAccount = strategyFor(ServiceAccount, {
  prepareCreate: cleanSecrets,
  prepareUpdate: cleanSecrets,
  warnings({ metadata }, old) {
    const found: string[] = [];
    const before = old?.metadata.annotations?.[enforceMountable];
    const now = metadata.annotations?.[enforceMountable];
    if (now !== undefined && now !== before) {
      found.push(
        `metadata.annotations[${enforceMountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
      );
    }
    return found;
  },
});

export const configObjectStrategies: readonly NamedStrategy[] = [configMap, secret, serviceAccount];
