"use strict";
// What tests of relying parties need from the provider (provider.js), whose address is in PROVIDER_URL.

async function ask(path, body) {
    const options = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const reply = await fetch(process.env.PROVIDER_URL + path, options);
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
}

const getParties = () => ask("/parties");

/** Somebody who is signed in at the provider. */
async function newUser() {
    const { user, email } = await ask("/browser/new", {});
    return { id: user, email, visit: (address) => ask(`/browser/${user}`, { address: String(address) }) };
}

module.exports = { getParties, newUser };
