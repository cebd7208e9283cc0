// What a token says of its bearer. The server decides; the page only leaves out what would be refused.

export class Token {
  constructor(text) {
    this.text = text;
    const claims = claimsOf(text);
    const permissions = claims.permissions ?? [];
    const roles = claims.roles ?? [];
    this.room = claims.roomId ?? null;
    this.opensRest = !(roles.length === 1 && roles[0] === "rtc");
    this.moderates = permissions.includes("allow_mod") || roles.includes("crawler");
    this.makesRooms = this.opensRest && !claims.participantId && !this.room;
    this.seesRecordings = this.opensRest && (this.moderates || Boolean(claims.participantId));
    this.seesSessions = this.opensRest && !claims.participantId;
  }
}

function claimsOf(text) {
  try {
    const payload = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload));
  } catch {
    return {};
  }
}
