"use strict";
// A browser as far as session tokens are concerned: it keeps cookies and the anti-CSRF token, or the
// header tokens, and sends back what it was given. Made with node:http, which has each cookie by
// itself in every version of node; fetch has not.
const http = require("node:http");

class Browser {
    /** transfer: "cookie" or "header", as a front-end SDK announces it with st-auth-mode. */
    constructor(origin, transfer) {
        this.origin = origin;
        this.transfer = transfer;
        this.cookies = new Map();
        this.antiCsrf = undefined;
        this.accessToken = undefined;
        this.refreshToken = undefined;
    }

    /** A browser with the same tokens, such as the one of whoever has stolen them. */
    copy() {
        const other = new Browser(this.origin, this.transfer);
        other.cookies = new Map(this.cookies);
        other.antiCsrf = this.antiCsrf;
        other.accessToken = this.accessToken;
        other.refreshToken = this.refreshToken;
        return other;
    }

    get signedIn() {
        return this.transfer === "cookie" ? this.cookies.has("sAccessToken") : this.accessToken !== undefined;
    }

    /** Returns {status, body}; body is parsed if it is JSON. options: {body, antiCsrf: false}. */
    async send(method, path, options = {}) {
        const headers = { "st-auth-mode": this.transfer };
        if (this.transfer === "cookie") {
            headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
            if (this.antiCsrf !== undefined && options.antiCsrf !== false) {
                headers["anti-csrf"] = this.antiCsrf;
            }
        } else {
            const token = path === "/auth/session/refresh" ? this.refreshToken : this.accessToken;
            if (token !== undefined) {
                headers.authorization = `Bearer ${token}`;
            }
        }
        if (options.body !== undefined) {
            headers["content-type"] = "application/json";
        }
        const response = await exchange(this.origin + path, method, headers, options.body);
        this.#keep(response.headers);
        const text = response.text;
        let body = text;
        try {
            body = JSON.parse(text);
        } catch {
            // A plain text reply stays as it is.
        }
        return { status: response.status, body };
    }

    get(path, options) {
        return this.send("GET", path, options);
    }

    post(path, body, options) {
        return this.send("POST", path, { body, ...options });
    }

    #keep(headers) {
        for (const line of headers["set-cookie"] ?? []) {
            const [pair, ...attributes] = line.split(";").map((part) => part.trim());
            const name = pair.slice(0, pair.indexOf("="));
            const value = pair.slice(name.length + 1);
            const expires = attributes.find((attribute) => /^expires=/i.test(attribute));
            if (value === "" || (expires && Date.parse(expires.slice(8)) <= Date.now())) {
                this.cookies.delete(name);
            } else {
                this.cookies.set(name, value);
            }
        }
        this.antiCsrf = headers["anti-csrf"] ?? this.antiCsrf;
        for (const [header, field] of [
            ["st-access-token", "accessToken"],
            ["st-refresh-token", "refreshToken"],
        ]) {
            if (headers[header] !== undefined) {
                this[field] = headers[header] || undefined;
            }
        }
    }
}

/** One request; {status, headers, text}. */
function exchange(url, method, headers, body) {
    const data = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
        const request = http.request(
            url,
            { method, agent: false, headers: { ...headers, "content-length": Buffer.byteLength(data) } },
            (response) => {
                const parts = [];
                response.on("data", (part) => parts.push(part));
                response.on("error", reject);
                response.on("end", () =>
                    resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }),
                );
            },
        );
        request.on("error", reject);
        request.end(data);
    });
}

/** The body of the email-password forms of the SDKs' HTTP interface. */
function formFields(fields) {
    return { formFields: Object.entries(fields).map(([id, value]) => ({ id, value })) };
}

/** Listens on a free port of loopback; returns {origin, close()}. */
async function listen(app) {
    const server = await new Promise((resolve) => {
        const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
    });
    return {
        origin: `http://127.0.0.1:${server.address().port}`,
        close: () =>
            new Promise((resolve) => {
                server.close(resolve);
                server.closeAllConnections();
            }),
    };
}

function environment(name) {
    const value = process.env[name];
    if (!value) {
        throw new Error(`${name} is not set; see tests/sdk/README.md`);
    }
    return value;
}

module.exports = { Browser, environment, formFields, listen };
