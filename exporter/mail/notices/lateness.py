"""Phrases about delayed, failed and delivered messages in other languages than English; see
`phrases`."""

DELAY = r"""
    verzögert
    retardée?\b
    différée?\b
    retrasad
    retardad
    in ritardo
    atrasad
    vertraagd
    försenad
    forsinket
    viivästy
    opóźni
    zpožd
    отложен
    задерж
    gecikti
    遅延
    遅れて
    延迟
    延遲
    지연
    (?:noch|bisher|bislang) nicht
    pas encore
    en attente d
    (?:todavía|aún) no
    ainda não
    non .{0,30}ancora
    ritardat
    jeszcze nie
    (?:пока|ещ[её]) не
    ще не
    henüz
    nog niet
    ännu inte
    (?:endnu|ennå) ikke
    ei ole vielä
    (?:dosud|zatím) ne
    még nem
    încă nu
    ακόμ[ηα] δεν
    لم .{0,40}بعد
    (?:עדיין|טרם)
    (?:vẫn )?chưa được
    ยังไม่
    belum
    まだ.{0,12}(?:ません|ない)
    (?:尚未|仍未|暂时(?:无法|未能))
    아직
"""

RETRY = r"""
    wird weiterhin versucht
    再送を(?:続|試)
    再試行
    继续尝试
    (?:系统|系統|将|將).{0,6}重[试試]
    weiter(?:e|hin)? (?:zustell)?versuch
    erneut versucht
    nouvel(?:le)?s? (?:tentative|essai)
    continuer(?:ons|a)? (?:à|d')
    (?:seguir|volver)\S{0,6} (?:a )?intent
    reintent
    nov[ao]s? tentativ
    continuar\S{0,6} tentando
    (?:altri|ulteriori|nuovi) tentativi
    (?:ponawian|ponowi|kolejne prób)
    попытк\S{0,3} (?:будут|доставки будут)
    повтор\S{0,6} попыт
    (?:tekrar|yeniden) dene
    opnieuw (?:geprobeerd|proberen)
    (?:nya försök|försöker igen|nye forsøg|forsøges igen)
    (?:další pokus|újrapróbál|θα συνεχί)
    引き続き
    (?:继续|繼續)(?:尝试|嘗試|投递)
    (?:계속|다시) 시도
    재시도
"""

GIVEN_UP = r"""
    endgültig (?:fehl|nicht|aufgegeben)
    endgueltig
    définitivement
    definitivamente
    (?:nicht|keine) (?:weiter|erneut|mehr).{0,20}versuch
    окончательно
    不再(?:重试|尝试)
"""

SUCCESS = r"""
    erfolgreich (?:zugestellt|übermittelt)
    remis avec succès
    entregado correctamente
    配信済み
    配信されました
    已送达
    成功投递
"""
