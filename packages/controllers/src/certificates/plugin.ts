import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { ApprovingController } from './approving-controller.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { CleaningController } from './cleaning-controller.ts';
import { SigningController } from './signing-controller.ts';

export const certificatesPlugin = definePlugin({
  name: 'certificates',
  user: 'system:serviceaccount:kube-system:certificate-controller',
  register({ provide }) {
    provide(Controllers, ApprovingController, [Client, Informers, Clock, CertificateAuthority]);
    provide(Controllers, SigningController, [Client, Informers, Clock, CertificateAuthority]);
    provide(Controllers, CleaningController, [Client, Informers, Clock]);
  },
});
