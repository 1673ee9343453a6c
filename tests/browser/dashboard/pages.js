"use strict";
// The dashboard in a browser: its pages, and what is pressed and typed on them.

const path = require("node:path");
const { BrowserPage } = require("../browser_page");

// Where the SDK has the browser fetch the dashboard's page from, without the version.
const NETWORK = /^https:\/\/cdn\.jsdelivr\.net\/gh\/supertokens\/dashboard@v[\d.]+\/build\//;

class Dashboard extends BrowserPage {
    /** A browser without any cookies. `bundle`: the folder that has the page's files; `pictures`: where screens are written to, or nothing. */
    static async open(browser, origin, bundle, pictures) {
        const page = await BrowserPage.blank(browser, { width: 1280, height: 800 }, [origin], (route) => {
            const file = new URL(route.request().url()).href.split("?")[0];
            return NETWORK.test(file)
                ? route.fulfill({ path: path.join(bundle, decodeURIComponent(file.replace(NETWORK, ""))) })
                : route.abort();
        });
        return new Dashboard(page, origin, pictures);
    }

    constructor(page, origin, pictures) {
        super(page, pictures);
        Object.assign(this, { origin, failures: [], pending: 0 });
        page.on("request", () => ++this.pending);
        page.on("requestfinished", () => --this.pending);
        page.on("requestfailed", () => --this.pending);
        // The page shows some failures for a moment only, and others not at all.
        page.on("response", (reply) => {
            if (reply.status() >= 400) {
                this.failures.push(`${reply.status()} ${reply.request().method()} ${new URL(reply.url()).pathname}`);
            }
        });
        page.on("pageerror", (error) => this.failures.push(String(error)));
    }

    async shows(text) {
        try {
            await this.page.getByText(text).first().waitFor();
        } catch {
            throw new Error(`not shown: "${text}"; instead: ${await this.page.locator("body").innerText()}; ${this.failures}`);
        }
    }

    /** Waits until an element's text is this one. */
    async reads(selector, text) {
        try {
            await this.page.locator(selector).filter({ hasText: text }).first().waitFor();
        } catch {
            throw new Error(`${selector} is not "${text}", but ${await this.page.locator(selector).allInnerTexts()}; ${this.failures}`);
        }
    }

    /** Until nothing is on its way, and no message is left that will go: each of these draws the page anew, which takes away what is being typed. */
    async quiet() {
        await this.page.locator(".notification").first().waitFor({ state: "detached" });
        for (let calm = 0; calm < 5; calm = this.pending > 0 ? 0 : calm + 1) {
            await this.page.waitForTimeout(100);
        }
    }

    button(name) {
        return this.page.getByRole("button", { name, exact: true });
    }

    /** The box with this heading on the page of a user. */
    panel(heading) {
        return this.page.locator(".panel").filter({ hasText: heading });
    }

    async goto() {
        await this.page.goto(`${this.origin}/auth/dashboard`);
    }

    async menu(name) {
        await this.page.locator(".sidebar").getByText(name).click();
    }

    async signIn(email, password) {
        await this.page.fill("[name=email]", email);
        await this.page.fill("[name=password]", password);
        await this.page.click("button[type=submit]");
    }

    /** The first column of the users that are shown, once the list is there. */
    async users() {
        await this.page.locator("tr.user-row:not(.placeholder)").first().waitFor();
        return this.page.locator("tr.user-row .user-info .main").allInnerTexts();
    }

    async turnTo(direction, shown) {
        await this.page.locator(`.users-list-pagination-button:has(img[alt="${direction} page"])`).click();
        await this.reads(".users-list-pagination-count", shown);
        return this.users();
    }

    /** Looks for users by a tag; the number that is shown. */
    async search(text, tag) {
        await this.page.fill(".search input", text);
        await this.page.locator(".search input").press("Enter");
        if (tag) {
            await this.page.locator(".tag_dropdown__selector").click();
            await this.page.locator(".tag_dropdown__menu li").filter({ hasText: tag }).click();
        }
    }

    async endSearch() {
        await this.page.locator(".searchTag__value img").click();
    }

    async openUser(name) {
        await this.page.locator("tr.user-row").filter({ hasText: name }).click();
        await this.reads(".user-detail__header__title", name);
        await this.quiet();
    }

    async backToUsers() {
        await this.button("Back to all users Back to all users").click();
        await this.page.locator(".users-list-title").waitFor();
    }

    /** Gives a login method another email. */
    async changeEmail(email) {
        await this.quiet();
        const method = this.page.locator(".method").first();
        await method.locator(".trigger").click();
        await method.getByText("Edit", { exact: true }).click();
        await method.locator("[name=email]").fill(email);
        await method.locator(".save-button").click();
    }

    async verifyEmail() {
        await this.quiet();
        const method = this.page.locator(".method").first();
        await method.locator(".trigger").click();
        await method.getByText("Edit", { exact: true }).click();
        await method.getByText("Set as Verified").click();
        await this.reads(".method .verified", "Verified");
        await method.getByText("Cancel").click();
    }

    async changePassword(password) {
        await this.quiet();
        await this.page.getByText("Change Password").first().click();
        await this.page.fill(".user-detail-form [name=password]", password);
        await this.page.fill(".user-detail-form [name=repeatPassword]", password);
        await this.page.locator(".user-detail-form").getByText("Save").click();
    }

    async changeMetadata(text) {
        await this.quiet();
        const panel = this.panel("USER METADATA");
        await panel.getByText("Edit", { exact: true }).click();
        await panel.locator("textarea").fill(text);
        await panel.getByText("Save").click();
    }

    async makeRole(role, permission) {
        await this.button("Add Role").click();
        await this.page.fill("[name=roleName]", role);
        await this.page.fill("[name=permisions]", permission);
        await this.page.locator("[name=permisions]").press("Enter");
        await this.button("Create now").click();
        await this.shows("Role create successfully!");
    }

    async assignRole(role) {
        const panel = this.panel("Assigned User Roles");
        await panel.getByText("Edit", { exact: true }).click();
        await panel.getByText("Assign Role").click();
        await this.page.locator(".role-item").filter({ hasText: role }).locator(".add-icon").click();
        await this.button("Yes, Confirm").click();
        await this.shows(`${role} assigned successfully!`);
        await this.button("Done").click();
        await panel.getByText("Save").click();
    }

    sessions() {
        return this.page.locator(".session-row.with-data");
    }

    async deleteUser(email) {
        await this.page.locator(".user-detail__header__action button").click();
        await this.page.fill(".user-delete-input-container [name=input]", email);
        await this.button("Delete Forever").click();
        await this.shows("User deleted successfully");
    }

    async makeTenant(tenant) {
        await this.page.click("#create-tenant");
        await this.page.fill("[name=tenantId]", tenant);
        await this.button("Create now").click();
        await this.button("Delete Tenant").waitFor();
    }

    /** The row of a key of the configuration, on the page of a tenant. */
    configuration(key) {
        return this.page
            .locator(".tenant-detail__core-config-table__row")
            .filter({ has: this.page.locator(".tenant-detail__core-config-table__row__label").getByText(key, { exact: true }) });
    }

    async configure(key, value) {
        await this.configuration(key).locator("button").click();
        await this.page.fill(`[name=${key}]`, value);
        await this.button("Save").click();
        await this.configuration(key).getByText(value, { exact: true }).waitFor();
    }

    async toggle(id) {
        const box = this.page.locator(`#${id}`);
        const before = await box.isChecked();
        await this.page.locator(`label[for=${id}]`).last().click();
        await this.page.locator(`#${id}${before ? ":not(:checked)" : ":checked"}:not(:disabled)`).waitFor({ state: "attached" });
    }

    async deleteTenant(tenant) {
        await this.button("Delete Tenant").click();
        await this.page.fill(".dialog-content [name=tenantId]", tenant);
        await this.button("Yes, Delete").click();
        await this.page.locator(".tenants-title").waitFor();
    }

    async signOut() {
        await this.button("Sign Out").first().click();
        await this.page.locator("[name=password]").waitFor();
    }
}

module.exports = { Dashboard };
