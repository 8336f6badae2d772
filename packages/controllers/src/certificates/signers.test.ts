import { describe, expect, it } from 'vitest';
import type { RequestedIdentity } from './certificate-authority.ts';
import { signers, signingProblem } from './signers.ts';

/** The answers of kube-controller-manager v1.35 to the same requests. */
const node: RequestedIdentity = {
  commonName: 'system:node:n9',
  organizations: ['system:nodes'],
  dnsNames: [],
  ipAddresses: [],
  emails: [],
  uris: [],
};
const joe = { ...node, commonName: 'joe' };
const stranger = { ...joe, organizations: ['x'] };
const kubeletUsages = 'usages did not match [client auth digital signature key encipherment]';
const servingUsages = 'usages did not match [digital signature key encipherment server auth]';

const cases: readonly [keyof typeof signers, RequestedIdentity, string[], string | undefined][] = [
  ['client', joe, ['client auth'], undefined],
  ['client', { ...joe, dnsNames: ['a'] }, ['client auth', 'digital signature', 'key encipherment'], undefined],
  ['client', joe, ['server auth'], 'invalid usage for client certificate: server auth'],
  ['client', joe, ['client auth', 'server auth'], 'invalid usage for client certificate: server auth'],
  ['client', joe, ['digital signature', 'code signing'], 'invalid usage for client certificate: code signing'],
  ['client', joe, ['digital signature'], 'missing required usage for client certificate: client auth'],
  ['kubeletClient', node, ['client auth', 'digital signature'], undefined],
  ['kubeletClient', node, ['client auth', 'digital signature', 'key encipherment'], undefined],
  ['kubeletClient', node, ['client auth'], kubeletUsages],
  ['kubeletClient', node, ['client auth', 'digital signature', 'server auth'], kubeletUsages],
  ['kubeletClient', { ...stranger, dnsNames: ['a'] }, ['client auth'], 'subject organization is not system:nodes'],
  [
    'kubeletClient',
    { ...joe, emails: ['a@b'], ipAddresses: ['1.2.3.4'] },
    ['client auth'],
    'Email subjectAltNames are not allowed',
  ],
  [
    'kubeletClient',
    { ...joe, uris: ['http://x'], ipAddresses: ['1.2.3.4'] },
    ['client auth'],
    'IP subjectAltNames are not allowed',
  ],
  [
    'kubeletClient',
    { ...joe, dnsNames: ['a'], emails: ['a@b'] },
    ['client auth'],
    'DNS subjectAltNames are not allowed',
  ],
  ['kubeletClient', joe, ['client auth'], 'subject common name does not begin with system:node:'],
  ['kubeletServing', { ...node, ipAddresses: ['1.2.3.4'] }, ['server auth', 'digital signature'], undefined],
  ['kubeletServing', stranger, ['server auth'], 'subject organization is not system:nodes'],
  ['kubeletServing', joe, ['server auth'], 'DNS or IP subjectAltName is required'],
  ['kubeletServing', { ...joe, dnsNames: ['a'] }, ['server auth'], servingUsages],
  [
    'kubeletServing',
    { ...joe, dnsNames: ['a'] },
    ['server auth', 'digital signature'],
    'subject common name does not begin with system:node:',
  ],
  [
    'kubeletServing',
    { ...joe, dnsNames: ['a'], emails: ['a@b'], uris: ['http://x'] },
    ['server auth'],
    'Email subjectAltNames are not allowed',
  ],
  [
    'kubeletServing',
    { ...node, dnsNames: ['n9'], organizations: ['system:nodes', 'x'] },
    ['server auth'],
    'subject organization is not system:nodes',
  ],
];

describe('a signer', () => {
  it.each(cases)('%s judges %o for %o', (signer, who, usages, problem) => {
    expect(signingProblem(signers[signer], who, usages)).toBe(problem);
  });
});
