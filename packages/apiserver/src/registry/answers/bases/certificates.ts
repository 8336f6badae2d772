import type { Base } from '../base.ts';

const request =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIVE1Ib0NBUUF3R0RFS01BZ0dBMVVFQXd3QmRURUtNQWdHQTFVRUNnd0JaekJaTUJNR0J5cUdTTTQ5QWdFRwpDQ3FHU000OUF3RUhBMElBQk1FUkE4K2JoSHdCdHI4aHRZTGdWUDcrQnZ1MHc4dmNuZEJxOXJrOXNmOWQ4ZDlRCmRCbnRvREJ1QVlwYStGeWxXSFNlRXdkTVdqRTB6bm5HalpFUXFGdWdBREFLQmdncWhrak9QUVFEQWdOSkFEQkcKQWlFQXZNQWF1OXB0ZW5BcS9mTVh3TnBEd0NuRVcySmRPN2NYWCtCRzVZRlhQMWNDSVFDNE5naEZJMi9MTFMyQwo3VmxrWXVLK296R0xiSVNWbDhLWnVjb1Y3K2F5Nmc9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';

export const certificatesBases: readonly Base[] = [
  {
    path: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    updates: true,
    body: {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'csr' },
      spec: {
        request,
        signerName: 'example.com/signer',
        usages: ['client auth', 'digital signature'],
        expirationSeconds: 3600,
      },
    },
    more: [
      ['/spec/signerName', 'kubernetes.io/legacy-unknown'],
      ['/spec/signerName', 'x'],
      ['/spec/signerName', 'a.b/c.d'],
      ['/spec/signerName', 'a.b/C_'],
      ['/spec/signerName', 'a/b/c'],
      ['/spec/signerName', '/b'],
      ['/spec/signerName', 'a.b/'],
      ['/spec/usages', ['server auth', 'server auth']],
      ['/spec/usages', ['bogus']],
      ['/spec/expirationSeconds', 599],
      ['/spec/request', 'eA=='],
      ['/spec/request', ''],
      ['/spec/request', 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQg=='],
      ['/spec/username', 'spoof'],
      ['/status', { conditions: [{ type: 'Approved', status: 'True' }] }],
    ],
    status: { certificate: '' },
    moreStatus: [
      ['/status/conditions', [{ type: 'Failed', status: 'True', reason: 'R', message: 'm' }]],
      ['/status/conditions', [{ type: 'Approved', status: 'True' }]],
      ['/status/conditions', [{ type: 'Denied', status: 'True' }]],
      ['/status/conditions', [{ type: '', status: '' }]],
      ['/status/conditions', [{ type: 'Failed', status: 'False' }]],
      [
        '/status/conditions',
        [
          { type: 'X', status: 'True' },
          { type: 'X', status: 'True' },
        ],
      ],
      ['/status/certificate', 'eA=='],
      ['/status/certificate', 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo='],
    ],
  },
];
