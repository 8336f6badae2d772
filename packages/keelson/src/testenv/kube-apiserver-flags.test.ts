import { describe, expect, it } from 'vitest';
import { GoFlags } from './go-flags.ts';
import { apiServerHelp, parseApiServerFlags } from './kube-apiserver-flags.ts';

/** As sigs.k8s.io/controller-runtime v0.23.1 gives them. */
const ofEnvtest = [
  '--allow-privileged=true',
  '--authorization-mode=RBAC',
  '--bind-address=127.0.0.1',
  '--cert-dir=/tmp/k8s_test_framework_1',
  '--client-ca-file=/tmp/k8s_test_framework_1/client-cert-auth-ca.crt',
  '--disable-admission-plugins=ServiceAccount',
  '--etcd-servers=http://127.0.0.1:41231',
  '--secure-port=40123',
  '--service-account-issuer=https://127.0.0.1:40123/',
  '--service-account-key-file=/tmp/k8s_test_framework_1/sa-signer.crt',
  '--service-account-signing-key-file=/tmp/k8s_test_framework_1/sa-signer.key',
  '--service-cluster-ip-range=10.0.0.0/24',
];

describe('flags of kube-apiserver', () => {
  it('are taken as envtest gives them', () => {
    expect(parseApiServerFlags(ofEnvtest)).toEqual({
      bindAddress: '127.0.0.1',
      port: 40123,
      etcdServers: ['http://127.0.0.1:41231'],
      etcdTls: {},
      certificateFile: '/tmp/k8s_test_framework_1/apiserver.crt',
      privateKeyFile: '/tmp/k8s_test_framework_1/apiserver.key',
      clientCaFile: '/tmp/k8s_test_framework_1/client-cert-auth-ca.crt',
      serviceAccountSigningKeyFile: '/tmp/k8s_test_framework_1/sa-signer.key',
      serviceAccountKeyFiles: ['/tmp/k8s_test_framework_1/sa-signer.crt'],
      options: {
        serviceCidr: '10.0.0.0/24',
        authorization: { authorizers: [{ type: 'RBAC', name: 'rbac' }] },
        runtimeConfig: {},
        disableAdmissionPlugins: ['ServiceAccount'],
        enableAdmissionPlugins: [],
        authentication: {
          anonymous: { enabled: true },
          serviceAccountIssuers: ['https://127.0.0.1:40123/'],
        },
      },
      ignored: [],
    });
  });

  it('say what they do not do, and refuse what would change the outcome', () => {
    const more = [
      '--feature-gates=A=true',
      '--v',
      '4',
      '--runtime-config=api/all=true,batch/v1=false',
      '--anonymous-auth=false',
    ];
    const { ignored, options } = parseApiServerFlags([...ofEnvtest, ...more]);
    expect(ignored).toEqual(['feature-gates', 'v']);
    expect(options).toMatchObject({
      runtimeConfig: { 'api/all': true, 'batch/v1': false },
      authentication: { anonymous: { enabled: false } },
    });
    for (const [flag, message] of [
      ['--authorization-mode=AlwaysAllow', '--authorization-mode AlwaysAllow: this server decides by Node and RBAC'],
      ['--secure-port=x', '--secure-port x must be between'],
      ['--anonymous-auth=maybe', 'invalid argument "maybe" for "--anonymous-auth" flag'],
      ['serve', 'unknown command: serve'],
    ] as const) {
      expect(() => parseApiServerFlags([flag])).toThrow(message);
    }
  });

  it('have no insecure port, which envtest looks for in the help', () => {
    expect(apiServerHelp).toMatch(/^\s*--secure-port\b/m);
    expect(apiServerHelp).not.toMatch(/^\s*--insecure-port\b/m);
  });

  it('are read as Go reads them', () => {
    const flags = new GoFlags(['-a', 'one', '--a=two,three', '--switch', '--b=x=y', '--empty='], new Set(['switch']));
    expect(flags.names).toEqual(['a', 'switch', 'b', 'empty']);
    expect([flags.value('a'), flags.list('a'), flags.value('b'), flags.value('empty')]).toEqual([
      'two,three',
      ['one', 'two', 'three'],
      'x=y',
      undefined,
    ]);
    expect(flags.flag('switch', false)).toBe(true);
  });
});
