import { z } from 'zod';
import { Client } from '../client/index.ts';
import { Webhooks } from '../crd/index.ts';
import { type Clock as ClockContract, systemClock } from '../machinery/index.ts';
import { MetricSources } from '../metrics/index.ts';
import { Clock, definePlugin, Lifecycles, Logger, token } from '../plugin/index.ts';
import {
  type CertificateStore,
  CertificatesInFiles,
  CertificatesInMemory,
  CertificatesInSecret,
} from './webhook-certificates.ts';
import { WebhookHost } from './webhook-host.ts';

const Host = token<WebhookHost>('WebhookHost');
const port = z.int().min(0).max(65_535);

export const webhooksOptions = z
  .strictObject({
    /** Listened on. Default: loopback, and with a Service or a URL all addresses. */
    host: z.string().optional(),
    /** Listened on; 0 takes a free one. Default: 0, and with a Service or a URL 9443. */
    port: port.optional(),
    /**
     * The Service before the process or its copies. Their certificate is in the Secret `certificate`, by default
     * `<service>-certificate` in the Service's namespace.
     */
    service: z
      .strictObject({
        name: z.string(),
        namespace: z.string(),
        port: port.default(443),
        certificate: z.string().optional(),
      })
      .optional(),
    /** Where API servers find the process, for example `https://192.168.1.5:9443`. */
    url: z.url({ protocol: /^https$/ }).optional(),
    /**
     * Who writes the configurations of webhooks. `operator`: it does, and where it is found by a URL it takes them away
     * when it stops. `manifests`: they are there already, as `keelson manifests` makes them, and the operator only says
     * what is to be trusted. `cert-manager`: it says not even that, and conversions are in the definitions already.
     */
    installedBy: z.enum(['operator', 'manifests', 'cert-manager']).default('operator'),
    /** Has `tls.crt` and `tls.key`, which are read again when they change: a Secret of cert-manager, mounted. */
    certificateDirectory: z.string().optional(),
  })
  .refine(({ service, url }) => !service || url === undefined, 'either a Service or a URL')
  .refine(
    ({ installedBy, certificateDirectory }) =>
      (installedBy === 'cert-manager') === (certificateDirectory !== undefined),
    'certificates of a directory are those of cert-manager',
  )
  .prefault({});
/** Options of `webhooksPlugin`: where webhooks listen, and how API servers reach them. */
export type WebhookSettings = z.input<typeof webhooksOptions>;

/**
 * Serves the webhooks of operators in this process. Unless it is told how API servers get to it, they are on the same
 * machine.
 */
export const webhooksPlugin = definePlugin({
  name: 'webhooks',
  options: webhooksOptions,
  rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'update'] }],
  register({ provide, options }) {
    const { service, url } = options;
    const reached = service !== undefined || url !== undefined;
    // TLS goes by the machine's clock, whatever the host's shows.
    const now = () => systemClock.now();
    provide.factory(
      Host,
      (client: Client, clock: ClockContract, logger: Logger) =>
        new WebhookHost({
          store: storeOf(options, client, now),
          installedBy: options.installedBy,
          clock,
          logger,
          listen: {
            ...((options.host ?? !reached) && { host: options.host ?? '127.0.0.1' }),
            port: options.port ?? (reached ? 9443 : 0),
          },
          ...(service && {
            reach: { service: { name: service.name, namespace: service.namespace, port: service.port } },
          }),
          ...(url !== undefined && { reach: { url } }),
        }),
      [Client, Clock, Logger],
    );
    provide.factory(Webhooks, (host: WebhookHost) => host, [Host]);
    provide.factory(Lifecycles, (host: WebhookHost) => host, [Host]);
    provide.factory(MetricSources, (host: WebhookHost) => host.series, [Host]);
  },
});

function storeOf(
  { certificateDirectory, service }: z.output<typeof webhooksOptions>,
  client: Client,
  now: () => number,
): CertificateStore {
  if (certificateDirectory !== undefined) return new CertificatesInFiles(certificateDirectory);
  if (!service) return new CertificatesInMemory(now);
  const { name, namespace, certificate = `${name}-certificate` } = service;
  return new CertificatesInSecret(client, { name: certificate, namespace }, now);
}
