"""What mail servers say in other languages than English; see `phrases`. One pattern on a line, in small letters."""

FAILURE = r"""
    fehler bei der (?:nachrichten)?zustellung
    (?:konnte|kann|wurde)n? (?:\S+ ){0,6}nicht (?:an .{1,80} )?(?:zugestellt|ausgeliefert)
    (?:konnte|kann|wurde)n? (?:\S+ ){0,6}nicht (?:an .{1,80} )?(?:zustellen|übermittelt)
    unzustellbar
    empfänger nicht erreicht
    zustellung .{0,60}?fehlgeschlagen
    n'a pas (?:pu (?:être )?|été )(?:remis|livr|distribu|délivr|achemin|envoy)
    échec de (?:la )?(?:remise|livraison|distribution)
    non (?:remis|délivr)
    impossible de (?:remettre|délivrer|distribuer)
    no (?:se )?(?:ha )?(?:podido|pudo)(?: ser)? entrega
    imposible entregar
    error de entrega
    no (?:se )?(?:ha sido |fue )?entregado
    (?:impossibile|non è stato possibile) (?:recapitare|consegnare)
    (?:recapito|consegna) non riuscit
    mancat[ao] (?:recapito|consegna)
    não (?:foi possível|pôde ser|pode ser) (?:entreg|envi)
    falha na entrega
    niet (?:worden )?(?:bezorgd|afgeleverd)
    bezorging .{0,60}mislukt
    onbestelbaar
    kunde inte (?:levereras|skickas)
    kunne ikke (?:leveres|sendes)
    (?:ikke leverbar|uleverbar)
    ei voitu toimittaa
    toimitus epäonnistui
    nie (?:mogła|można|może|została?)(?: być)? (?:dostarcz|doręcz)
    niedostarczon
    nelze doručit
    nebyl[oa]? (?:možné )?doruč
    nedoručiteln
    nem (?:lehetett|sikerült) kézbesíteni
    kézbesíthetetlen
    (?:teslim edilemedi|iletilemedi)
    nu a putut fi (?:livrat|trimis)
    не (?:может быть|могло быть|было|удалось|вдалося)(?: \w+)? ?достав
    недоставлен
    не доставлено
    δεν (?:ήταν δυνατή|παραδόθηκε|μπόρεσε)
    配[信達送](?:でき|が)ません
    配[信達送]できません
    配[信達]に失敗
    送信できません
    配信不能
    届けられません
    お届けできません
    宛先.{0,20}見つかりません
    配信エラー
    グループ.{0,20}存在しない
    退信
    退回
    无法(?:送达|投递|发送|将)
    未能(?:送达|投递)
    投递失败
    發送失敗
    传[送递]失败
    無法(?:傳送|遞送|寄達|送達)
    傳[送遞]失敗
    未送達
    (?:전송|배달|전달|발송)(?:되지|하지|에 실패| 실패|할 수 없)
    반송
"""

SUBJECTS = r"""
    nachricht (?:an|nicht)
    unzustellbar
    zustell
    mail nicht
    notification d.(?:état|échec)
    échec
    non (?:remis|délivr)
    avis de non
    message (?:non|d.erreur)
    no se p(?:udo|uede)
    no entregado
    error de entrega
    mensaje (?:no|devuelto)
    mancat[ao]
    recapito
    impossibile
    falha
    não entreg
    mensagem não
    onbestelbaar
    niet bezorgd
    olevererbar
    går inte att
    ej levererat
    uleverbar
    kan ikke leveres
    toimittamaton
    niedostarczon
    niedoręczon
    nedoručiteln
    kézbesíthetetlen
    (?:teslim edilem|iletilem)
    недостав
    не достав
    (?:\S+ )?(?:сообщение|письмо) не
    μη παραδ
    配信(?:不能|でき|エラー|失敗|状況)
    配達(?:でき|不能)
    送信(?:でき|エラー|失敗)
    未配信
    (?:メール)?エラー
    (?:系统|系統)?退信
    退回
    投递失败
    (?:无|無)法
    未送達
    未傳遞
    传递失败
    傳送失敗
    반송
    배달
    전송 ?실패
"""

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
"""

RETRY = r"""
    wird weiterhin versucht
    再送を(?:続|試)
    再試行
    继续尝试
    (?:系统|系統|将|將).{0,6}重[试試]
"""

GIVEN_UP = r"""
    endgültig (?:fehl|nicht|aufgegeben)
    endgueltig
    définitivement
    definitivamente
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
