import { CertificateSigningRequest, validateDnsLabel, validateDnsSubdomain } from '@keelson/core';
import { hollowMember } from '../../schema/index.ts';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor, type WriteContext } from '../strategy.ts';

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

/** The block of a kind in PEM (RFC 7468), base64 as the API carries bytes. */
function pemBlocks(base64: string): readonly { readonly type: string; readonly body: string }[] {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  const blocks = text.matchAll(/-----BEGIN ([^-]+)-----\r?\n([\sA-Za-z0-9+/=:,-]*?)-----END \1-----/g);
  return [...blocks].map(([, type = '', body = '']) => ({ type, body }));
}

const isSequence = (body: string) => Buffer.from(body, 'base64')[0] === 0x30;

function checkRequest(request: string | null, errors: FieldErrors): void {
  const [block] = pemBlocks(request ?? '');
  if (block?.type !== 'CERTIFICATE REQUEST') {
    errors.invalid('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST');
  } else if (!isSequence(block.body)) {
    errors.invalid('spec.request', request, "asn1: structure error: tags don't match");
  }
}

/** Of several labels that are wrong the first is told. */
function refuseFirst(
  labels: readonly string[],
  rule: (label: string) => readonly string[],
  refuse: (why: string) => void,
): void {
  for (const label of labels) {
    const wrong = rule(label);
    if (wrong.length === 0) continue;
    refuse(`validating label "${label}": ${wrong.join(',')}`);
    return;
  }
}

/** `domain/path`, each at most as long as DNS allows. */
export function checkSignerName(name: string, at: string, errors: FieldErrors): void {
  if (name === '') {
    errors.required(at);
    return;
  }
  const segments = name.split('/');
  const [domain = '', path = ''] = segments;
  if (segments.length !== 2) {
    errors.invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const labels = domain.split('.');
  refuseFirst(labels, validateDnsLabel, (why) => errors.invalid(at, domain, why));
  if (labels.length < 2) errors.invalid(at, domain, 'should be a domain with at least two segments separated by dots');
  refuseFirst(path.split('.'), validateDnsSubdomain, (why) => errors.invalid(at, path, why));
  if (name.length > 253 + 1 + 253 + 1 + 63) errors.tooLong(at, 253 + 1 + 253 + 1 + 63);
}

type Spec = CertificateSigningRequest['spec'];
type Condition = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>[number];

function checkSpec(spec: Spec, errors: FieldErrors): void {
  checkRequest(spec.request ?? (hollowMember(spec, 'request') === '' ? '' : null), errors);
  if (!spec.usages?.length) errors.required('spec.usages');
  const seen = new Set<string>();
  (spec.usages ?? []).forEach((usage, index) => {
    const at = `spec.usages[${index}]`;
    if (!usages.includes(usage)) errors.notSupported(at, usage, usages);
    if (seen.has(usage)) errors.duplicate(at, usage);
    seen.add(usage);
  });
  const { signerName = '', expirationSeconds } = spec;
  if (signerName === 'kubernetes.io/legacy-unknown') {
    errors.invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version');
  } else checkSignerName(signerName, 'spec.signerName', errors);
  if (expirationSeconds !== undefined && expirationSeconds < 600) {
    errors.invalid(
      'spec.expirationSeconds',
      expirationSeconds,
      'may not specify a duration less than 600 seconds (10 minutes)',
    );
  }
}

function checkConditions(conditions: readonly Condition[], errors: FieldErrors): void {
  const seen = new Set<string>();
  let approved = false;
  let denied = false;
  conditions.forEach(({ type = '', status = '' }, index) => {
    const at = `status.conditions[${index}]`;
    if (type === '') errors.required(`${at}.type`);
    const terminal = ['Approved', 'Denied', 'Failed'].includes(type);
    const supported = terminal ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.required(`${at}.status`);
    else if (!supported.includes(status)) errors.notSupported(`${at}.status`, status, supported);
    if ((type === 'Approved' && denied) || (type === 'Denied' && approved)) {
      errors.invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive');
    }
    if (type === 'Approved') approved = true;
    if (type === 'Denied') denied = true;
    if (seen.has(type)) errors.duplicate(`${at}.type`, type);
    seen.add(type);
  });
}

const certificateShown = '<certificate data>';

function checkCertificate(certificate: string, errors: FieldErrors): void {
  const at = 'status.certificate';
  const blocks = pemBlocks(certificate);
  const wrong = (why: string) => errors.invalid(at, certificateShown, why);
  if (blocks.length === 0) wrong('must contain at least one CERTIFICATE PEM block');
  for (const { type, body } of blocks) {
    if (type !== 'CERTIFICATE') wrong(`only CERTIFICATE PEM blocks are allowed, found "${type}"`);
    else if (!isSequence(body) || Buffer.from(body, 'base64').length < 10) wrong('x509: malformed certificate');
  }
}

type Status = CertificateSigningRequest['status'];

function checkUpdate(
  { status }: CertificateSigningRequest,
  old: CertificateSigningRequest,
  part: 'main' | 'status' | 'approval',
  errors: FieldErrors,
): void {
  checkConditions(status?.conditions ?? [], errors);
  const certificate = status?.certificate ?? '';
  if (certificate !== '' && certificate !== old.status?.certificate) checkCertificate(certificate, errors);
  for (const type of ['Approved', 'Denied', 'Failed']) {
    const [now, before] = [conditionsOf(status, type), conditionsOf(old.status, type)];
    if (now.length < before.length)
      errors.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`);
    else if (now.length > before.length && part !== 'approval' && type !== 'Failed') {
      errors.forbidden('status.conditions', `updates may not add a condition of type "${type}"`);
    }
  }
  const given = old.status?.certificate ?? '';
  if (given !== '' && certificate !== given) {
    errors.forbidden('status.certificate', 'updates may not set certificate content');
  }
}

const conditionsOf = (status: Status, type: string) => (status?.conditions ?? []).filter((each) => each.type === type);

/** When each condition was last written and last became what it is. */
function stampConditions(
  object: Draft<CertificateSigningRequest>,
  old: CertificateSigningRequest,
  { now }: WriteContext,
): void {
  for (const each of object.status?.conditions ?? []) {
    each.lastUpdateTime ??= now();
    if (each.lastTransitionTime) continue;
    const before = old.status?.conditions?.find((one) => one.type === each.type && one.status === each.status);
    each.lastTransitionTime = before?.lastTransitionTime ?? now();
  }
}

const signingRequest = strategyFor(CertificateSigningRequest, {
  // Any name will do; what cannot stand in a path is found after all else.
  nameRule: () => [],
  prepareCreate(object, { user }) {
    object.spec.username = user.name;
    if (user.uid) object.spec.uid = user.uid;
    else delete object.spec.uid;
    object.spec.groups = [...user.groups];
    delete object.spec.extra;
    if (user.extra && Object.keys(user.extra).length > 0) {
      object.spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    }
  },
  prepareUpdate(object, old) {
    // A request is what was asked: nothing of it can be changed.
    Object.assign(object, { spec: old.spec });
  },
  prepareStatusUpdate(object, old, context) {
    stampConditions(object, old, context);
  },
  prepareSubresource(_subresource, object, old, context) {
    stampConditions(object, old, context);
  },
  validate({ spec }, errors, old) {
    if (!old) checkSpec(spec, errors);
  },
  validateUpdate: (object, old, errors) => checkUpdate(object, old, 'main', errors),
  validateStatusUpdate: (object, old, errors) => checkUpdate(object, old, 'status', errors),
  validateSubresource: (_subresource, object, old, errors) => checkUpdate(object, old, 'approval', errors),
});

export const certificateStrategies: readonly NamedStrategy[] = [signingRequest];
