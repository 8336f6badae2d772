import { rm } from 'node:fs/promises';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { AesGcm } from '../aes-gcm.ts';
import { type Codec, kmsMethods } from './messages.ts';

/** A KMS plugin for tests, on a unix socket: its keys are made of their ids. */
export class KmsPlugin {
  readonly endpoint: string;
  keyId = 'key-1';
  healthz = 'ok';
  version = 'v2';
  /** How often it was asked to decrypt. */
  decryptions = 0;
  readonly #path: string;
  #server: Server | undefined;

  constructor(path: string) {
    this.#path = path;
    this.endpoint = `unix://${path}`;
  }

  async start(): Promise<void> {
    const server = new Server();
    server.addService(
      {
        status: definition(kmsMethods.status),
        encrypt: definition(kmsMethods.encrypt),
        decrypt: definition(kmsMethods.decrypt),
      },
      {
        status: answering(() => ({ version: this.version, healthz: this.healthz, keyId: this.keyId })),
        encrypt: answering(({ plaintext }: { readonly plaintext: Uint8Array }) => ({
          ciphertext: cipherOf(this.keyId).seal(plaintext, ''),
          keyId: this.keyId,
          annotations: { 'local.kms.example.com': Buffer.from('note') },
        })),
        decrypt: answering(({ ciphertext, keyId, annotations }: Decryption) => {
          this.decryptions++;
          if (annotations['local.kms.example.com']?.length !== 4) throw new Error('the annotation is not there');
          return { plaintext: cipherOf(keyId).open(ciphertext, '') };
        }),
      },
    );
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error ? reject(error) : resolve());
      server.bindAsync(this.endpoint, ServerCredentials.createInsecure(), done);
    });
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server?.forceShutdown();
    await rm(this.#path, { force: true });
  }
}

interface Decryption {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Readonly<Record<string, Uint8Array>>;
}

const cipherOf = (keyId: string) => new AesGcm(Buffer.from(keyId.padEnd(32, '.')));

const definition = <Request, Response>({
  path,
  request,
  response,
}: {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}) => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: (value: Request) => request.encode(value),
  requestDeserialize: (bytes: Buffer) => request.decode(bytes),
  responseSerialize: (value: Response) => response.encode(value),
  responseDeserialize: (bytes: Buffer) => response.decode(bytes),
});

function answering<Request, Response>(answer: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return ({ request }, done) => {
    try {
      done(null, answer(request));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  };
}
