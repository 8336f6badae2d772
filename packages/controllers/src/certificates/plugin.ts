import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { parseDuration } from '@keelson/core/machinery';
import { z } from 'zod';
import { ApprovingController } from './approving-controller.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { CleaningController } from './cleaning-controller.ts';
import { SigningController } from './signing-controller.ts';

const options = z.strictObject({
  /** How long certificates are valid at most, and for how long where a request does not say. */
  signingDuration: z
    .string()
    .refine((text) => (parseDuration(text) ?? 0) > 0, 'must be a duration such as 24h')
    .default('8760h'),
});

/** Approves, signs and clears away CertificateSigningRequests. */
export const certificatesPlugin = definePlugin<z.infer<typeof options>>({
  name: 'certificates',
  user: 'system:serviceaccount:kube-system:certificate-controller',
  options,
  register({ provide, options }) {
    const longestMs = parseDuration(options.signingDuration) ?? 0;
    provide(Controllers, ApprovingController, [Client, Informers, Clock, CertificateAuthority]);
    provide.factory(
      Controllers,
      (client, informers, clock, authority) =>
        new SigningController(client, informers, { clock, authority, longestMs }),
      [Client, Informers, Clock, CertificateAuthority],
    );
    provide(Controllers, CleaningController, [Client, Informers, Clock]);
  },
});
