import { randomUUID } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import { systemClock } from '@keelson/core/machinery';
import { type Codec, type EncryptedObject, type EncryptResponse, kmsMethods, type StatusResponse } from './messages.ts';

/** A key management service, as a plugin on this machine makes it reachable. */
export interface KmsService {
  status(): Promise<StatusResponse>;
  encrypt(plaintext: Uint8Array): Promise<EncryptResponse>;
  decrypt(sealed: Pick<EncryptedObject, 'encryptedSource' | 'keyId' | 'annotations'>): Promise<Uint8Array>;
  close(): void;
}

export interface KmsClientOptions {
  /** `unix:///path/of/the.sock` */
  readonly endpoint: string;
  /** Milliseconds that a call may take. */
  readonly timeout: number;
}

/** Calls a plugin over its socket (gRPC). */
export class KmsClient implements KmsService {
  readonly #client: Client;
  readonly #timeout: number;

  constructor({ endpoint, timeout }: KmsClientOptions) {
    this.#client = new Client(endpoint, credentials.createInsecure(), {
      'grpc.service_config_disable_resolution': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
    });
    this.#timeout = timeout;
  }

  status(): Promise<StatusResponse> {
    return this.#call(kmsMethods.status, {});
  }

  encrypt(plaintext: Uint8Array): Promise<EncryptResponse> {
    return this.#call(kmsMethods.encrypt, { plaintext, uid: randomUUID() });
  }

  async decrypt({
    encryptedSource: ciphertext,
    keyId,
    annotations,
  }: Parameters<KmsService['decrypt']>[0]): Promise<Uint8Array> {
    const { plaintext } = await this.#call(kmsMethods.decrypt, { ciphertext, uid: randomUUID(), keyId, annotations });
    return plaintext;
  }

  close(): void {
    this.#client.close();
  }

  #call<Request, Response>(
    {
      path,
      request,
      response,
    }: { readonly path: string; readonly request: Codec<Request>; readonly response: Codec<Response> },
    message: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (value: Request) => request.encode(value),
        (data: Buffer) => response.decode(data),
        message,
        // gRPC keeps to the system's own time. A plugin that is still starting is waited for.
        { deadline: systemClock.now() + this.#timeout },
        (error, answer) => {
          if (error) reject(new Error(`rpc error: ${error.details || error.message}`, { cause: error }));
          else if (answer === undefined) reject(new Error('an answer without a message'));
          else resolve(answer);
        },
      );
    });
  }
}
