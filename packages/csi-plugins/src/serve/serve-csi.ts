import { chmod, rm } from 'node:fs/promises';
import {
  type handleUnaryCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import { type CsiDriver, controllerMethods, csiDescriptorJson, identityMethods, nodeMethods } from '@keelson/core/csi';

type Method = (request: object) => Promise<object>;

/**
 * Offers a driver on a socket as any CSI driver does, so that the side-cars of the real world can use it.
 * Resolves once it listens; the function returned ends it.
 */
export async function serveCsi(driver: CsiDriver, socket: string): Promise<() => Promise<void>> {
  const definition = fromJSON(JSON.parse(csiDescriptorJson), {
    longs: Number,
    enums: String,
    bytes: Buffer,
    oneofs: false,
  });
  const server = new Server();
  const services = {
    Identity: [driver.identity, identityMethods],
    Controller: [driver.controller, controllerMethods],
    Node: [driver.node, nodeMethods],
  } as const;
  loadPackageDefinition(definition);
  for (const [name, [service, methods]] of Object.entries(services)) {
    const described = definition[`csi.v1.${name}`] as ServiceDefinition;
    const handlers: Record<string, handleUnaryCall<object, object>> = {};
    for (const method of Object.keys(methods)) {
      const call = Reflect.get(service, method) as Method;
      handlers[method] = (incoming, done) => {
        call(incoming.request).then(
          (response) => done(null, response),
          (error: unknown) =>
            done({
              code: error instanceof GrpcError ? error.code : grpcCode.internal,
              details: error instanceof Error ? error.message : String(error),
            }),
        );
      };
    }
    server.addService(described, handlers);
  }
  await rm(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  await chmod(socket, 0o600);
  return () =>
    new Promise((resolve) => {
      server.tryShutdown(() => resolve());
    });
}
